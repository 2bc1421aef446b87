using MantaLight.Messaging;
using MantaLight.Protocol;
using MantaLight.Shared;

namespace MantaLight.Tests.Nodes;

/// <summary>A member that only remembers: it is there, and says what it has kept when it is asked.</summary>
internal sealed class GhostMember(SwarmHarness swarm, string id, Recollection? kept, Action? asked = null)
{
    public async Task<IAsyncDisposable> ComeAsync()
    {
        var listening = await swarm.Owner.SubscribeAsync(swarm.Topics.Inbox(id), message => Asked(message), CancellationToken.None);
        await SayAsync(swarm.Topics.Presence(id), new Presence(), retain: true);
        return listening;
    }

    /// <summary>Says what it has kept unasked.</summary>
    public Task TellAsync() => kept is null ? Task.CompletedTask : SayAsync(swarm.Topics.Tasks("vectors", id), kept with { Swarm = "vectors" }, retain: false);

    private void Asked(BrokerMessage message)
    {
        if (ProtocolJson.Read<Recall>(message.Payload, out _) is null)
            return;
        asked?.Invoke();
        _ = TellAsync();
    }

    private Task SayAsync(string topic, ControlMessage message, bool retain) => swarm.Owner.PublishAsync(
        new OutboundMessage(topic, ProtocolJson.Write(message with { From = id, Incarnation = "ghost", Id = "ghost-1" }), retain), CancellationToken.None).AsTask();
}

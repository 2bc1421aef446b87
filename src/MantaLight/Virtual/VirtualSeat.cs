using MantaLight.Concurrency;
using MantaLight.Coordination;
using MantaLight.Messaging;
using MantaLight.Protocol;

namespace MantaLight.Virtual;

/// <summary>The coordinator of a virtual swarm on its connection: it hears the nodes, and says what a coordinator says.</summary>
/// <param name="settings">The swarm.</param>
/// <param name="connection">Its own.</param>
/// <param name="time">The clock.</param>
/// <param name="take">Takes a message up, and ends the run where that fails.</param>
internal sealed class VirtualSeat(VirtualSwarmSettings settings, IBrokerConnection connection, TimeProvider time, Action<BrokerMessage, Action<BrokerMessage>> take)
{
    private static readonly TimeSpan Beat = new ElectionTiming().Beat;

    private readonly Topics topics = new(VirtualSwarmSettings.Cluster);
    private readonly MessageStamp stamp = new("coordinator", "virtual", time);
    private DateTimeOffset spoken = time.SteadyNow();

    /// <summary>Listens from here on.</summary>
    public Task ListenAsync(Action<TaskUpdate> told, CancellationToken cancellationToken) => connection.SubscribeAsync(
        topics.Tasks(settings.Swarm, "+"), message => take(message, m => told(ProtocolJson.ReadOwn<TaskUpdate>(m.Payload) ?? throw VirtualCrowd.Unreadable(m))), cancellationToken);

    /// <summary>Commits a state.</summary>
    /// <returns>The state as it was said.</returns>
    public async Task<SwarmState> CommitAsync(SwarmState state, CancellationToken cancellationToken)
    {
        var said = (SwarmState)stamp.Stamp(state);
        await SayAsync(topics.State(settings.Swarm), said, retain: true, cancellationToken);
        return said;
    }

    public ValueTask ScheduleAsync(CoordinatorAction.Schedule schedule, CancellationToken cancellationToken) =>
        SayAsync(topics.Schedule(settings.Swarm, schedule.Node), stamp.Stamp(schedule.Message), retain: false, cancellationToken);

    public ValueTask CancelAsync(CoordinatorAction.Cancel cancel, CancellationToken cancellationToken) =>
        SayAsync(topics.Inbox(cancel.Node), stamp.Stamp(cancel.Message), retain: false, cancellationToken);

    public ValueTask TellAsync(GlobalValue value, CancellationToken cancellationToken) =>
        SayAsync(topics.Global(settings.Swarm, value.Global.Tag), stamp.Stamp(value), retain: true, cancellationToken);

    public ValueTask ClearGlobalAsync(string tag, CancellationToken cancellationToken) =>
        connection.PublishAsync(new OutboundMessage(topics.Global(settings.Swarm, tag), ReadOnlyMemory<byte>.Empty, retain: true), cancellationToken);

    /// <summary>A sign of life, where one is due: who watches may wait long for the next state.</summary>
    public ValueTask BeatAsync(long term, CancellationToken cancellationToken) => time.SteadyNow() - spoken < Beat
        ? ValueTask.CompletedTask
        : SayAsync(topics.Beat(settings.Swarm), stamp.Stamp(new CoordinatorBeat { Term = term }), retain: false, cancellationToken);

    private ValueTask SayAsync(string topic, ControlMessage message, bool retain, CancellationToken cancellationToken)
    {
        spoken = time.SteadyNow();
        return connection.PublishAsync(new OutboundMessage(topic, ProtocolJson.Write(message), retain), cancellationToken);
    }
}

using System.Buffers;
using System.Text;
using System.Threading.Channels;
using MantaLight.Messaging;

namespace MantaLight.Shared;

/// <summary>Collects what a subscription is handed, for a test to wait for.</summary>
internal sealed class Inbox
{
    /// <summary>Long enough for a loaded machine; only a failing test waits for it.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly Channel<BrokerMessage> messages = Channel.CreateUnbounded<BrokerMessage>();

    public void Receive(BrokerMessage message) => messages.Writer.TryWrite(message);

    public async Task<BrokerMessage> NextAsync() => await messages.Reader.ReadAsync().AsTask().WaitAsync(Patience);

    public async Task<string> NextTextAsync() => Text(await NextAsync());

    /// <summary>What has come and was not asked for.</summary>
    public IReadOnlyList<BrokerMessage> Rest()
    {
        var rest = new List<BrokerMessage>();
        while (messages.Reader.TryRead(out var message))
            rest.Add(message);
        return rest;
    }

    public static string Text(BrokerMessage message) => Encoding.UTF8.GetString(message.Payload.ToArray());
}

using System.Threading.Channels;
using MantaLight.Diagnostics;
using MantaLight.Messaging;
using MantaLight.Protocol;
using Microsoft.Extensions.Logging;

namespace MantaLight.Nodes;

/// <summary>
/// Publishes in order what the node's loop says, so that the loop never waits for the broker. What cannot be published
/// is dropped: everything that matters is said again until its effect is seen.
/// </summary>
internal sealed class Outbox : IAsyncDisposable
{
    private const int Capacity = 4096;

    private readonly Channel<OutboundMessage> queue = Channel.CreateBounded<OutboundMessage>(
        new BoundedChannelOptions(Capacity) { SingleReader = true, FullMode = BoundedChannelFullMode.DropOldest });

    private readonly IBrokerConnection connection;
    private readonly MessageStamp stamp;
    private readonly ILogger logger;
    private readonly Task sending;

    public Outbox(IBrokerConnection connection, MessageStamp stamp, ILogger logger)
    {
        this.connection = connection;
        this.stamp = stamp;
        this.logger = logger;
        sending = Task.Run(SendAsync);
    }

    public void Send(string topic, ControlMessage message, Delivery delivery = Delivery.AtLeastOnce, bool retain = false) =>
        queue.Writer.TryWrite(new OutboundMessage(topic, ProtocolJson.Write(stamp.Stamp(message)), retain, delivery));

    public void Clear(string topic) => queue.Writer.TryWrite(new OutboundMessage(topic, ReadOnlyMemory<byte>.Empty, retain: true));

    /// <summary>Sends what is queued, then ends.</summary>
    public async ValueTask DisposeAsync()
    {
        queue.Writer.TryComplete();
        await sending;
    }

    private async Task SendAsync()
    {
        await foreach (var message in queue.Reader.ReadAllAsync())
        {
            try
            {
                await connection.PublishAsync(message, CancellationToken.None);
            }
            catch (MantaLightException e)
            {
                Log.PublishFailed(logger, message.Topic, e.Message);
            }
            catch (ObjectDisposedException)
            {
                return;
            }
        }
    }
}

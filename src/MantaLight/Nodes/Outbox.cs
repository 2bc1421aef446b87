using System.Threading.Channels;
using MantaLight.Concurrency;
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

    private readonly Channel<OutboundMessage> queue;
    private readonly CancellationTokenSource stopping = new();
    private readonly IBrokerConnection connection;
    private readonly MessageStamp stamp;
    private readonly ILogger logger;
    private readonly Task sending;

    public Outbox(IBrokerConnection connection, MessageStamp stamp, ILogger logger, Drops drops)
    {
        queue = Channel.CreateBounded<OutboundMessage>(
            new BoundedChannelOptions(Capacity) { SingleReader = true, FullMode = BoundedChannelFullMode.DropOldest },
            _ => drops.Beyond("outbox full", $"More than {Capacity} messages wait to be published; the oldest are dropped, and what matters is said again"));
        this.connection = connection;
        this.stamp = stamp;
        this.logger = logger;
        sending = Background.Run(SendAsync);
    }

    public void Send(string topic, ControlMessage message, Delivery delivery = Delivery.AtLeastOnce, bool retain = false) =>
        queue.Writer.TryWrite(new OutboundMessage(topic, ProtocolJson.Write(stamp.Stamp(message)), retain, delivery));

    /// <summary>Takes nothing more and sends what is queued, for as long as the patience lasts.</summary>
    public async Task DrainAsync(TimeSpan patience, TimeProvider time)
    {
        queue.Writer.TryComplete();
        await sending.EndsWithinAsync(patience, time);
        // After this nothing is sent: the goodbye is the last word.
        await stopping.CancelBesideAsync();
        await sending;
    }

    public async ValueTask DisposeAsync()
    {
        queue.Writer.TryComplete();
        await stopping.CancelBesideAsync();
        await sending;
        stopping.Dispose();
    }

    private async Task SendAsync()
    {
        try
        {
            await foreach (var message in queue.Reader.EachAsync(stopping.Token))
            {
                try
                {
                    await connection.PublishAsync(message, stopping.Token);
                }
                catch (MantaLightException e)
                {
                    Log.PublishFailed(logger, message.Topic, e.Message);
                }
            }
        }
        catch (Exception e) when (e is ObjectDisposedException || (e is OperationCanceledException && stopping.IsCancellationRequested))
        {
        }
    }
}

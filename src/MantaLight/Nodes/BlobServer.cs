using System.Threading.Channels;
using MantaLight.Blobs;
using MantaLight.Concurrency;
using MantaLight.Diagnostics;
using MantaLight.Protocol;
using Microsoft.Extensions.Logging;

namespace MantaLight.Nodes;

/// <summary>Answers requests for chunks one after the other, beside the node's loop.</summary>
internal sealed class BlobServer : IAsyncDisposable
{
    // Each consumer has one request out; the oldest of too many is asked again.
    private const int Capacity = 256;

    /// <summary>How long after the last request what was sent is waited for, and memory given back.</summary>
    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(1);

    // Null says that nobody has asked for a while.
    private readonly Channel<BlobRequest?> requests;
    private readonly CancellationTokenSource stopping = new();
    private readonly BlobPublisher publisher;
    private readonly ILogger logger;
    private readonly ITimer pause;
    private readonly Task serving;

    public BlobServer(BlobPublisher publisher, ILogger logger, Drops drops, TimeProvider time)
    {
        requests = Channel.CreateBounded<BlobRequest?>(
            new BoundedChannelOptions(Capacity) { SingleReader = true, FullMode = BoundedChannelFullMode.DropOldest },
            _ => drops.Beyond("chunk requests full", $"More than {Capacity} requests for chunks wait; the oldest are dropped, and asked again"));
        this.publisher = publisher;
        this.logger = logger;
        pause = time.CreateTimer(_ => requests.Writer.TryWrite(null), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        serving = Background.Run(ServeAsync);
    }

    public void Ask(BlobRequest request) => requests.Writer.TryWrite(request);

    public async ValueTask DisposeAsync()
    {
        if (!requests.Writer.TryComplete())
            return;
        await stopping.CancelBesideAsync();
        await serving;
        stopping.Dispose();
        await pause.DisposeAsync();
    }

    private async Task ServeAsync()
    {
        // The next request's chunks follow those of the one before at once, acknowledged or not.
        await using var sender = publisher.NewSender();
        try
        {
            await foreach (var request in requests.Reader.EachAsync(stopping.Token))
            {
                if (request is null)
                {
                    if (requests.Reader.Count == 0)
                        await TryAsync("who asked before", sender.FinishAsync);
                    continue;
                }
                pause.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
                await TryAsync(request.From, () => publisher.ServeAsync(request, sender, stopping.Token));
                // Of earlier requests: it is told, and costs this one nothing.
                await TryAsync("who asked before", () =>
                {
                    sender.ThrowWhatFailed();
                    return Task.CompletedTask;
                });
                pause.Change(Idle, Timeout.InfiniteTimeSpan);
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
        }
    }

    private async Task TryAsync(string consumer, Func<Task> serve)
    {
        try
        {
            await serve();
        }
        catch (Exception e) when (e is MantaLightException or IOException)
        {
            Log.ServeFailed(logger, consumer, e.Message);
        }
    }
}

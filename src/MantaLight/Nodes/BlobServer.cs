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

    private readonly Channel<BlobRequest> requests;
    private readonly CancellationTokenSource stopping = new();
    private readonly BlobPublisher publisher;
    private readonly ILogger logger;
    private readonly Task serving;

    public BlobServer(BlobPublisher publisher, ILogger logger, Drops drops)
    {
        requests = Channel.CreateBounded<BlobRequest>(
            new BoundedChannelOptions(Capacity) { SingleReader = true, FullMode = BoundedChannelFullMode.DropOldest },
            _ => drops.Beyond("chunk requests full", $"More than {Capacity} requests for chunks wait; the oldest are dropped, and asked again"));
        this.publisher = publisher;
        this.logger = logger;
        serving = Background.Run(ServeAsync);
    }

    public void Ask(BlobRequest request) => requests.Writer.TryWrite(request);

    public async ValueTask DisposeAsync()
    {
        requests.Writer.TryComplete();
        await stopping.CancelBesideAsync();
        await serving;
        stopping.Dispose();
    }

    private async Task ServeAsync()
    {
        try
        {
            await foreach (var request in requests.Reader.EachAsync(stopping.Token))
            {
                try
                {
                    await publisher.ServeAsync(request, stopping.Token);
                }
                catch (Exception e) when (e is MantaLightException or IOException)
                {
                    Log.ServeFailed(logger, request.From, e.Message);
                }
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
        }
    }
}

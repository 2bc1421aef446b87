using System.Threading.Channels;
using MantaLight.Concurrency;
using MantaLight.Diagnostics;
using MantaLight.Messaging;
using MantaLight.Protocol;
using Microsoft.Extensions.Logging;

namespace MantaLight.Blobs;

/// <summary>Removes globals' chunks from the broker beside whoever asks for it: paced as it is, it would keep a loop for long.</summary>
internal sealed class BlobClearer : IAsyncDisposable
{
    private const int Capacity = 1024;

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly Channel<(string Swarm, BlobRef Blob)> asked;
    private readonly CancellationTokenSource stopping = new();
    private readonly IBrokerConnection connection;
    private readonly Topics topics;
    private readonly ILogger logger;
    private readonly TimeProvider time;
    private readonly Action<string, BlobRef>? cleared;
    private readonly Task clearing;

    public BlobClearer(IBrokerConnection connection, Topics topics, ILogger logger, Drops drops, TimeProvider time, Action<string, BlobRef>? cleared = null)
    {
        asked = Channel.CreateBounded<(string Swarm, BlobRef Blob)>(
            new BoundedChannelOptions(Capacity) { SingleReader = true, FullMode = BoundedChannelFullMode.DropWrite },
            _ => drops.Beyond("clearings full", $"More than {Capacity} globals wait to be cleared; the chunks of others stay until another coordinator, or the swarm's removal, clears them"));
        this.cleared = cleared;
        this.connection = connection;
        this.topics = topics;
        this.logger = logger;
        this.time = time;
        clearing = Background.Run(ClearAsync);
    }

    public void Clear(string swarm, BlobRef blob) => asked.Writer.TryWrite((swarm, blob));

    /// <summary>Takes nothing more and waits until what was asked for is done, or the patience is over.</summary>
    public async Task DrainAsync(TimeSpan patience)
    {
        asked.Writer.TryComplete();
        await clearing.EndsWithinAsync(patience, time);
    }

    public async ValueTask DisposeAsync()
    {
        asked.Writer.TryComplete();
        await stopping.CancelBesideAsync();
        await clearing;
        stopping.Dispose();
    }

    private async Task ClearAsync()
    {
        try
        {
            await foreach (var (swarm, blob) in asked.Reader.EachAsync(stopping.Token))
            {
                while (!await TryClearAsync(swarm, blob))
                    await Task.Delay(Pause, time, stopping.Token);
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
        }
    }

    /// <summary>False where the connection was lost on the way: when it is back the rest is cleared.</summary>
    private async Task<bool> TryClearAsync(string swarm, BlobRef blob)
    {
        try
        {
            await BlobPublisher.ClearGlobalAsync(connection, topics, time, swarm, blob, stopping.Token);
            cleared?.Invoke(swarm, blob);
            return true;
        }
        catch (BrokerConnectionLostException e)
        {
            // A coordinator's is as good as lost where the broker refuses something.
            if (connection.IsConnected)
                Log.PublishFailed(logger, topics.SwarmBlobs(swarm, blob.Sha256), e.Message);
            return false;
        }
        catch (Exception e) when (e is MantaLightException or ObjectDisposedException)
        {
            Log.PublishFailed(logger, topics.SwarmBlobs(swarm, blob.Sha256), e.Message);
            return true;
        }
    }
}

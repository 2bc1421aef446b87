using System.Threading.Channels;
using MantaLight.Blobs;
using MantaLight.Concurrency;
using MantaLight.Diagnostics;
using MantaLight.Messaging;
using MantaLight.Protocol;

namespace MantaLight.Nodes;

/// <summary>
/// Sees to it, beside the coordinator's loop, that committed globals are where they should be: on the broker, where it may
/// have lost them, and on the coordinator's own disk, from where they are put back and served to those who miss a chunk.
/// </summary>
internal sealed class GlobalRepair : IAsyncDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);

    // The coordinator's loop waits for a read-back, and may not be silent for long.
    private static readonly BlobTiming Timing = new() { Idle = TimeSpan.FromSeconds(0.4) };

    private const int Capacity = 4096;

    private readonly Channel<Look> work;
    private readonly CancellationTokenSource stopping = new();
    private readonly SeatContext context;
    private readonly IBrokerConnection connection;
    private readonly BlobPublisher publisher;
    private readonly string swarm;
    private readonly Func<IReadOnlyCollection<string>> online;
    private readonly Func<string, bool> isCommitted;
    private readonly Action<BlobRef> clear;
    private readonly Action<string, bool> missed;
    private readonly HashSet<string> missing = new(StringComparer.Ordinal);
    private readonly Task repairing;

    /// <param name="context">The seat's.</param>
    /// <param name="connection">The coordinator connection.</param>
    /// <param name="swarm">The swarm.</param>
    /// <param name="online">The members that may have a blob.</param>
    /// <param name="isCommitted">Whether a hash is that of a committed global still.</param>
    /// <param name="clear">Removes a blob's chunks.</param>
    /// <param name="missed">Told of a hash that is nowhere to be had, and again when it is.</param>
    public GlobalRepair(
        SeatContext context, IBrokerConnection connection, string swarm, Func<IReadOnlyCollection<string>> online, Func<string, bool> isCommitted,
        Action<BlobRef> clear, Action<string, bool> missed)
    {
        (this.context, this.swarm, this.online, this.isCommitted, this.clear, this.missed) = (context, swarm, online, isCommitted, clear, missed);
        this.connection = connection;
        Open = new OpenRepairs(context.Time);
        work = Channel.CreateBounded<Look>(
            new BoundedChannelOptions(Capacity) { SingleReader = true, FullMode = BoundedChannelFullMode.DropOldest },
            dropped =>
            {
                Open.Close(dropped.Blob.Sha256);
                context.Drops.Beyond("repairs full", $"More than {Capacity} globals wait to be put back or kept; the oldest are left to the next coordinator");
            });
        publisher = new BlobPublisher(connection, context.Settings.Topics, context.Stamp, context.Store, Timing);
        repairing = Background.Run(RepairAsync);
    }

    /// <summary>Those of the globals to be checked that are not known to stand on the broker.</summary>
    public OpenRepairs Open { get; }

    /// <summary>Puts the chunks of all globals back on the broker, where they are missing, and keeps them.</summary>
    public void Check(SwarmState committed)
    {
        foreach (var blob in committed.Blobs().DistinctBy(b => b.Sha256))
        {
            Open.Open(blob.Sha256);
            work.Writer.TryWrite(new Look(blob, IsKept: false, IsLost: committed.Lost?.Contains(blob.Sha256) == true));
        }
    }

    /// <summary>Keeps a global that has just been committed, and so stands on the broker.</summary>
    public void Keep(BlobRef blob) => work.Writer.TryWrite(new Look(blob, IsKept: true, IsLost: false));

    /// <summary>Whether all chunks stand on the broker, as far as the last one tells.</summary>
    public Task<bool> IsOnBrokerAsync(BlobRef blob, SignOfLife sign, CancellationToken cancellationToken) => publisher.IsOnBrokerAsync(swarm, blob, sign, cancellationToken);

    public async ValueTask DisposeAsync()
    {
        work.Writer.TryComplete();
        // Once only: what is disposed cannot be cancelled.
        if (!stopping.IsCancellationRequested)
            await stopping.CancelBesideAsync();
        await repairing;
        stopping.Dispose();
    }

    private async Task RepairAsync()
    {
        try
        {
            await foreach (var look in work.Reader.EachAsync(stopping.Token))
            {
                // Behind the others: one that nobody has must not keep them from being put back.
                if (!await TryAndTellAsync(look))
                    work.Writer.TryWrite(look);
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
        }
    }

    /// <summary>False, after a pause, where it is to be tried again.</summary>
    private async Task<bool> TryAndTellAsync(Look look)
    {
        var (blob, kept, _) = look;
        // Checking keeps it too; to read here what the broker may have lost would hold that up.
        if (kept && Open.Contains(blob.Sha256))
            return true;
        var result = isCommitted(blob.Sha256) ? await TryAsync(look) : Result.Done;
        if (result == Result.Done && !kept)
            Open.Close(blob.Sha256);
        if (result == Result.Missing)
            Open.Missed(blob.Sha256);
        if (result == Result.Done && missing.Remove(blob.Sha256))
            missed(blob.Sha256, false);
        if (result == Result.Missing && missing.Add(blob.Sha256))
            missed(blob.Sha256, true);
        if (result != Result.Done)
            await Task.Delay(Pause, context.Time, stopping.Token);
        return result == Result.Done;
    }

    private async Task<Result> TryAsync(Look look)
    {
        var (blob, kept, lost) = look;
        // Known before it comes, so that it is deleted when it is no longer needed, whatever becomes of this seat.
        context.Post(new NodeEvent.BlobKept(swarm, blob.Sha256));
        try
        {
            // What is put back, and served to those who miss a chunk, is what was committed.
            if (!kept && context.Store.DropIfSpoiled(blob.Sha256))
                Log.BlobSpoiled(context.Logger, blob.Sha256);
            // Where it was found to be lost, that this node has it and that the last chunk stands there tells nothing of the rest.
            var isToBePut = lost && context.Store.Contains(blob.Sha256);
            if (!isToBePut && (kept || await publisher.IsOnBrokerAsync(swarm, blob, sign: null, stopping.Token)) && await TryReadAsync(blob))
                return Result.Done;
            await FindAsync(blob);
            if (!context.Store.Contains(blob.Sha256))
            {
                Log.RepairFailed(context.Logger, swarm, blob.Sha256, "neither the broker nor any node that is there has it whole");
                return Result.Missing;
            }
            await PublishAsync(blob);
            return Result.Done;
        }
        catch (BrokerConnectionLostException)
        {
            // Where it was the seat's, its successor checks again; the node's comes back.
            return connection.IsConnected ? Result.Failed : Result.Done;
        }
        catch (Exception e) when (e is MantaLightException or IOException)
        {
            Log.RepairFailed(context.Logger, swarm, blob.Sha256, e.Message);
            return Result.Failed;
        }
        finally
        {
            // Again: it may have been forgotten, as not needed, before it came.
            context.Post(new NodeEvent.BlobKept(swarm, blob.Sha256));
        }
    }

    private async Task PublishAsync(BlobRef blob)
    {
        try
        {
            await publisher.PublishGlobalAsync(swarm, blob, stopping.Token);
            Log.PublishedAgain(context.Logger, swarm, $"global {blob.Sha256}");
        }
        finally
        {
            // Replaced meanwhile, and cleared before all of it was there again: which the read-back may have missed already.
            if (!isCommitted(blob.Sha256))
                clear(blob);
        }
    }

    /// <summary>Reads what stands on the broker; false where not all of it does, or other bytes.</summary>
    private async Task<bool> TryReadAsync(BlobRef blob)
    {
        try
        {
            await context.Fetcher.FetchGlobalAsync(swarm, blob, peer: null, stopping.Token);
            return true;
        }
        catch (Exception e) when (e is BlobUnavailableException or MalformedDataException)
        {
            return false;
        }
        catch (NodeStorageException)
        {
            // The broker has it, as far as can be told; that this node's disk is full is nothing to wait for.
            Open.Close(blob.Sha256);
            throw;
        }
    }

    /// <summary>A global to be looked at.</summary>
    /// <param name="Blob">It.</param>
    /// <param name="IsKept">Whether it has just been committed, and so stands on the broker.</param>
    /// <param name="IsLost">Whether a run has ended without it.</param>
    private readonly record struct Look(BlobRef Blob, bool IsKept, bool IsLost);

    private enum Result
    {
        Done,

        /// <summary>Neither the broker nor anybody who is there has it.</summary>
        Missing,

        /// <summary>It could not be brought or put back for some other reason.</summary>
        Failed,
    }

    /// <summary>Brings a blob that the broker has lost to this node's disk, from whichever member has it.</summary>
    private async Task FindAsync(BlobRef blob)
    {
        foreach (var member in online())
        {
            if (context.Store.Contains(blob.Sha256))
                return;
            try
            {
                if (member != context.Settings.Id)
                    await context.Fetcher.FetchResultAsync(member, blob, stopping.Token);
            }
            catch (Exception e) when (e is BlobUnavailableException or MalformedDataException)
            {
                // The next one may have it, or a whole copy of it.
            }
        }
    }
}

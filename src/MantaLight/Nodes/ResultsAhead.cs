using MantaLight.Blobs;
using MantaLight.Concurrency;
using MantaLight.Diagnostics;
using MantaLight.Protocol;

namespace MantaLight.Nodes;

/// <summary>
/// Results that a task of this node is likely to read, brought while others are still being made. Nothing rests on it: what cannot be had now, the task
/// asks for itself. Called by the node's loop alone.
/// </summary>
internal sealed class ResultsAhead(AttemptServices node, SeatContext seats, string swarm)
{
    // A few keep the link full; more would only wait for each other, with a window of chunks each.
    private const int AtOnce = 3;

    // Of more, the task asks for the rest itself.
    private const int MaximumKnown = 10_000;

    private readonly Dictionary<string, Transfer> known = new(StringComparer.Ordinal);
    private readonly Queue<Transfer> waiting = new();
    private int running;

    public bool IsEmpty => known.Count == 0;

    /// <summary>Whether a blob was brought, or is being brought, for a task that has not read it yet.</summary>
    public bool Holds(string hash) => known.ContainsKey(hash);

    public void Bring(FetchAhead order)
    {
        foreach (var input in order.Inputs)
        {
            var blob = input.Staged.Content.Blob!;
            if (input.Node == node.Settings.Id || node.Store.Contains(blob.Sha256) || known.ContainsKey(blob.Sha256) || known.Count >= MaximumKnown)
                continue;
            var transfer = new Transfer(order.Run, order.Round, input.Node, blob);
            known.Add(blob.Sha256, transfer);
            waiting.Enqueue(transfer);
        }
        Go();
    }

    /// <summary>Takes note that a transfer has ended, however.</summary>
    public void Ended(string hash)
    {
        if (!known.TryGetValue(hash, out var transfer) || !transfer.IsRunning)
            return;
        transfer.IsRunning = false;
        running--;
        if (transfer.IsPast)
            Forget(transfer);
        Go();
    }

    /// <summary>Forgets what no task reads any more; what is still on its way is forgotten when it has ended.</summary>
    /// <returns>The hashes that are free.</returns>
    public IReadOnlyList<string> Tidy(SwarmState state)
    {
        var past = known.Values.Where(t => t.Run != state.Run || t.Round < state.Round || state.Status.IsFinal()).ToArray();
        foreach (var transfer in past)
            End(transfer);
        return [.. past.Where(t => !t.IsRunning).Select(t => t.Blob.Sha256)];
    }

    /// <summary>Ends all of them: the node stops.</summary>
    public void Stop()
    {
        foreach (var transfer in known.Values.ToArray())
            End(transfer);
    }

    private void End(Transfer transfer)
    {
        if (!transfer.IsPast && transfer.IsRunning)
            seats.Supervise(transfer.Cancelling = transfer.Stop.CancelBesideAsync());
        transfer.IsPast = true;
        if (!transfer.IsRunning)
            Forget(transfer);
    }

    private void Go()
    {
        while (running < AtOnce && waiting.TryDequeue(out var next))
        {
            if (next.IsPast)
                continue;
            next.IsRunning = true;
            running++;
            seats.Supervise(Background.Run(() => BringAsync(next)));
        }
    }

    private async Task BringAsync(Transfer transfer)
    {
        try
        {
            await node.Fetcher.FetchResultAsync(transfer.Producer, transfer.Blob, transfer.Stop.Token);
        }
        catch (Exception e) when (e is MantaLightException or OperationCanceledException)
        {
            // The task finds out by itself, and says so.
        }
        finally
        {
            seats.Post(new NodeEvent.BroughtAhead(swarm, transfer.Blob.Sha256));
        }
    }

    private void Forget(Transfer transfer)
    {
        known.Remove(transfer.Blob.Sha256);
        // What still cancels uses it; then it is the garbage collector's.
        if (transfer.Cancelling.IsCompleted)
            transfer.Stop.Dispose();
    }

    private sealed class Transfer(string run, int round, string producer, BlobRef blob)
    {
        public string Run => run;

        public int Round => round;

        public string Producer => producer;

        public BlobRef Blob => blob;

        public CancellationTokenSource Stop { get; } = new();

        public Task Cancelling { get; set; } = Task.CompletedTask;

        public bool IsRunning { get; set; }

        public bool IsPast { get; set; }
    }
}

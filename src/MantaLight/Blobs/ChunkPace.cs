using System.Runtime.CompilerServices;
using MantaLight.Concurrency;
using MantaLight.Protocol;

namespace MantaLight.Blobs;

/// <summary>
/// How a transfer waits for chunks and how many it asks for. On a slow line a chunk takes longer than a second: asking for all of
/// them again in each silence would fill the queue before that line with copies, until nothing new comes through.
/// </summary>
internal sealed class ChunkPace(BlobTiming timing, TimeProvider time)
{
    /// <summary>How much of the longest gap is remembered from one chunk to the next: they come in bunches.</summary>
    private const double Memory = 0.95;

    private DateTimeOffset last = time.SteadyNow();
    // When something came or was asked for again: a chunk that was lost says nothing about the line.
    private DateTimeOffset since = time.SteadyNow();
    private TimeSpan longest;
    private TimeSpan idle = timing.Idle;

    /// <summary>How many chunks may be asked for: fewer after each silence, then twice as many with each that comes.</summary>
    public int Window { get; private set; } = BlobRequest.Window;

    /// <summary>Whether nothing has come for so long that nothing will.</summary>
    public bool IsOver => time.SteadyNow() - last >= timing.GiveUp;

    /// <summary>A chunk of the blob has come, new or not: the line lives.</summary>
    public void Arrived()
    {
        var now = time.SteadyNow();
        longest = TimeSpan.FromTicks(Math.Max((now - since).Ticks, (long)(longest.Ticks * Memory)));
        (last, since) = (now, now);
        idle = Within(2 * longest);
        Window = Math.Min(2 * Window, BlobRequest.Window);
    }

    /// <summary>What is not heard now is nobody's fault.</summary>
    public void Excuse() => last = time.SteadyNow();

    /// <summary>Waits for an arrival; false after a silence.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<bool> WaitAsync(ChunkLine chunks, CancellationToken cancellationToken)
    {
        if (await chunks.ComesWithinAsync(idle, cancellationToken))
            return true;
        (Window, idle, since) = (Math.Max(1, Window / 4), Within(2 * idle), time.SteadyNow());
        return false;
    }

    // Some silences must fit into the patience.
    private TimeSpan Within(TimeSpan pause) => TimeSpan.FromTicks(Math.Clamp(pause.Ticks, timing.Idle.Ticks, timing.GiveUp.Ticks / 3));
}

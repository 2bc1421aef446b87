using MantaLight.Protocol;

namespace MantaLight.Nodes;

/// <summary>When an attempt's progress is told: five times a second at most, its end at once, and more seldom where very many nodes run the task.</summary>
internal sealed class ReportPace(ScheduleAttempt schedule)
{
    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(200);

    private readonly TimeSpan interval = ReportSpread.Of(schedule) is var spread && spread > Shortest ? spread : Shortest;
    private long next;
    private int hasEnded;

    /// <summary>Whether a report is due; then the next one is later. Called for every batch: only a timestamp is read unless one is.</summary>
    public bool IsDue(double fraction, TimeProvider time)
    {
        var due = Interlocked.Read(ref next);
        var now = time.GetTimestamp();
        // The end is told at once, but not where very many nodes end together: their records follow, each at a moment of its own.
        var isEnd = fraction >= 1 && interval == Shortest && Interlocked.Exchange(ref hasEnded, 1) == 0;
        if (due != 0 && !isEnd && now < due)
            return false;
        var pause = due == 0 && interval > Shortest ? interval * ReportSpread.ShareOf(schedule) : interval;
        Interlocked.Exchange(ref next, now + (long)(pause.TotalSeconds * time.TimestampFrequency));
        return true;
    }
}

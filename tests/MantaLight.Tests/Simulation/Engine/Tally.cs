namespace MantaLight.Simulation;

/// <summary>What has gone wrong in a history, and how often: what is planned and never happens tests nothing.</summary>
internal sealed class Tally
{
    public const string Killed = "killed";
    public const string KilledAtAwait = "killed at an await";
    public const string KilledAtPublish = "killed at a publish";
    public const string KilledAtWrite = "killed at a write";
    public const string AllKilled = "all killed";
    public const string PowerLost = "power lost";
    public const string Spoiled = "file spoiled";
    public const string DiskFull = "write to a full disk";
    public const string Paused = "paused";
    public const string ClockJump = "clock jump";
    public const string Cut = "node cut off";
    public const string GroupCut = "nodes cut off together";
    public const string CutWithCommit = "cut off with a commit on its way";
    public const string WokenAtCommit = "woken with a commit on its way";
    public const string Slow = "sent over a slow line";
    public const string RetainedKept = "broker down, retained kept";
    public const string RetainedLost = "broker down, retained lost";
    public const string TakenOver = "client id taken over";
    public const string LateEffect = "took effect after its connection";
    public const string Duplicate = "delivered twice";
    public const string Overtaken = "overtaken by another topic";
    public const string EarlyWill = "will before its delay";
    public const string TakeoverWill = "will at a takeover";
    public const string KeptWill = "will of a client that was back";
    public const string NewestDropped = "queue full, newest dropped";
    public const string OldestDropped = "queue full, oldest dropped";
    public const string ChunkNotKept = "retained chunk not kept";
    public const string ChunkLost = "chunk lost between nodes";

    private readonly SortedDictionary<string, long> counts = new(StringComparer.Ordinal);

    /// <summary>Everything that can be counted.</summary>
    public static IReadOnlyList<string> All { get; } =
    [
        Killed, KilledAtAwait, KilledAtPublish, KilledAtWrite, AllKilled, PowerLost, Spoiled, DiskFull, Paused, ClockJump, Cut, GroupCut, CutWithCommit, WokenAtCommit,
        Slow, RetainedKept, RetainedLost, TakenOver, LateEffect, Duplicate, Overtaken, EarlyWill, TakeoverWill, KeptWill, NewestDropped, OldestDropped, ChunkNotKept, ChunkLost,
    ];

    public IReadOnlyDictionary<string, long> Counts => counts;

    public void Add(string what) => counts[what] = counts.GetValueOrDefault(what) + 1;

    /// <summary>Takes in what another one has counted.</summary>
    public void Add(Tally other)
    {
        foreach (var (what, count) in other.counts)
            counts[what] = counts.GetValueOrDefault(what) + count;
    }
}

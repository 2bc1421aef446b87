using MantaLight.Protocol;

namespace MantaLight.Simulation;

/// <summary>How a history went.</summary>
/// <param name="Seed">Its seed.</param>
/// <param name="Violation">What must not have happened; null where nothing did.</param>
/// <param name="TraceHash">Of all that happened, in order.</param>
/// <param name="Lines">The end of the trace, where it was written.</param>
/// <param name="Ends">How the runs ended.</param>
internal sealed record Outcome(long Seed, string? Violation, string TraceHash, IReadOnlyCollection<string> Lines, IReadOnlyList<RunStatus> Ends)
{
    /// <summary>Virtual time until all swarms had ended.</summary>
    public TimeSpan Ended { get; init; }

    /// <summary>What has gone wrong, and how often.</summary>
    public Tally Faults { get; init; } = new();

    public long Steps { get; init; }

    public long Messages { get; init; }

    public long Bytes { get; init; }

    public int Attempts { get; init; }

    public int Commits { get; init; }

    public int Partial { get; init; }

    public int Audits { get; init; }

    /// <summary>How many buffers of rounds without a barrier were checked, and how many records in them came late.</summary>
    public int Buffers { get; init; }

    public int Late { get; init; }

    /// <summary>How often a run was compared with what a member remembered when the broker had lost everything.</summary>
    public int Memories { get; init; }

    /// <summary>How many last globals were compared with those of undisturbed runs.</summary>
    public int Finals { get; init; }
}

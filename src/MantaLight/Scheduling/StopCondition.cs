using System.Collections.Immutable;
using MantaLight.Privacy;

namespace MantaLight.Scheduling;

/// <summary>One reason for a swarm to end.</summary>
/// <param name="text">As it is written.</param>
internal abstract class StopCondition(string text)
{
    /// <summary>As it is written; what a scheduler remembers of it has this name.</summary>
    public string Text { get; } = text;

    /// <summary>The metric that it looks at; null where it looks at none.</summary>
    public virtual string? Metric => null;

    /// <summary>Whether reaching it is what the swarm is for; all others are bounds to its effort.</summary>
    public virtual bool IsTarget => false;

    /// <summary>Whether it counts over rounds, and so needs a memory.</summary>
    public virtual bool Remembers => false;

    /// <summary>Judges a round.</summary>
    public abstract Verdict Judge(RoundFacts facts);
}

/// <summary>What a condition says of a round.</summary>
/// <param name="Ends">Whether it was the last.</param>
/// <param name="Words">Why, or how far it is, for people.</param>
/// <param name="Patience">What is to be remembered.</param>
internal sealed record Verdict(bool Ends, string Words, PatienceMemory? Patience = null);

/// <summary>What there is to judge a round by.</summary>
internal sealed record RoundFacts
{
    /// <summary>The round.</summary>
    public required int Round { get; init; }

    /// <summary>The metrics that conditions look at.</summary>
    public required IReadOnlyDictionary<string, double> Metrics { get; init; }

    /// <summary>What is remembered of the rounds before, this one's time and bytes counted.</summary>
    public required SchedulerMemory Memory { get; init; }

    /// <summary>What the rounds have spent; null where no task counts that.</summary>
    public PrivacyLedger? Privacy { get; init; }
}

/// <summary>What a scheduler remembers from round to round: a committed global, so that another node, or a run that is resumed, goes on with it.</summary>
internal sealed record SchedulerMemory
{
    /// <summary>Seconds of all rounds, also of runs that this one goes on from.</summary>
    public double Seconds { get; init; }

    /// <summary>Bytes likewise.</summary>
    public long Bytes { get; init; }

    /// <summary>The run's own seconds, as last told.</summary>
    public double RunSeconds { get; init; }

    /// <summary>The run's own bytes, as last told.</summary>
    public long RunBytes { get; init; }

    /// <summary>What conditions wait for, by their text.</summary>
    public ImmutableSortedDictionary<string, PatienceMemory> Patience { get; init => field = value.WithComparers(StringComparer.Ordinal); } = ImmutableSortedDictionary.Create<string, PatienceMemory>(StringComparer.Ordinal);

    /// <summary>With what has been taken since it was last told. A run that goes on from a checkpoint counts anew: its first round then is all that is new.</summary>
    public SchedulerMemory With(TimeSpan time, long bytes, TimeSpan roundTime, long roundBytes)
    {
        var goesOn = (time - roundTime).TotalSeconds >= RunSeconds - 0.01;
        return this with
        {
            Seconds = Math.Round(Seconds + (goesOn ? Math.Max(0, time.TotalSeconds - RunSeconds) : roundTime.TotalSeconds), 3),
            Bytes = Bytes + (goesOn && bytes >= RunBytes ? bytes - RunBytes : roundBytes),
            RunSeconds = time.TotalSeconds,
            RunBytes = bytes,
        };
    }
}

/// <summary>The best value so far.</summary>
/// <param name="Best">The value.</param>
/// <param name="Round">The round that had it.</param>
/// <param name="Waited">Rounds since then.</param>
internal sealed record PatienceMemory(double Best, int Round, int Waited);

using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace MantaLight.Diagnostics;

/// <summary>The one name under which metrics and traces are found, and the instruments behind it.</summary>
public static class Telemetry
{
    /// <summary>The name of the meter and of the activity source.</summary>
    public const string Name = "MantaLight";

    internal static readonly ActivitySource Source = new(Name);

    private static readonly Meter Meter = new(Name);

    /// <summary>Messages, and work, that were not taken, by <c>reason</c>.</summary>
    internal static readonly Counter<long> Dropped = Meter.CreateCounter<long>("mantalight.messages.dropped", "{message}");

    /// <summary>Attempts that ended on this node, by <c>alias</c> and <c>outcome</c>.</summary>
    internal static readonly Counter<long> Attempts = Meter.CreateCounter<long>("mantalight.attempts", "{attempt}");

    /// <summary>How long attempts ran.</summary>
    internal static readonly Histogram<double> AttemptSeconds = Meter.CreateHistogram<double>("mantalight.attempt.duration", "s");

    /// <summary>Rounds committed by coordinators of this process.</summary>
    internal static readonly Counter<long> Rounds = Meter.CreateCounter<long>("mantalight.rounds", "{round}");

    /// <summary>Why something is dropped that nobody is told of, since it is part of an ordinary day.</summary>
    internal const string Stale = "duplicate or late", LowerAuthority = "lower authority", Malformed = "malformed";

    /// <summary>Counts a message, or a piece of work, that is not taken.</summary>
    /// <param name="reason">One of few, never what a message says: each becomes a series of its own.</param>
    internal static void Drop(string reason) => Dropped.Add(1, new KeyValuePair<string, object?>("reason", reason));
}

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

    /// <summary>Messages that were not of the protocol, by <c>reason</c>.</summary>
    internal static readonly Counter<long> Dropped = Meter.CreateCounter<long>("mantalight.messages.dropped", "{message}");

    /// <summary>Attempts that ended on this node, by <c>alias</c> and <c>outcome</c>.</summary>
    internal static readonly Counter<long> Attempts = Meter.CreateCounter<long>("mantalight.attempts", "{attempt}");

    /// <summary>How long attempts ran.</summary>
    internal static readonly Histogram<double> AttemptSeconds = Meter.CreateHistogram<double>("mantalight.attempt.duration", "s");

    /// <summary>Rounds committed by coordinators of this process.</summary>
    internal static readonly Counter<long> Rounds = Meter.CreateCounter<long>("mantalight.rounds", "{round}");
}

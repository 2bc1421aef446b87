using MantaLight.Coordination;
using MantaLight.Protocol;

namespace MantaLight.Nodes;

/// <summary>Over how long very many nodes spread what they say about one thing, and the moment of one of them.</summary>
internal static class ReportSpread
{
    private const double Maximum = 60;

    public static TimeSpan Of(ScheduleAttempt schedule) => Of(schedule.ReportSpreadSeconds);

    /// <summary>From 0 to below 1, evenly among the nodes and always the same for an attempt.</summary>
    public static double ShareOf(ScheduleAttempt schedule) => ShareOf(schedule.Attempt);

    /// <summary>As somebody has asked for it, within bounds.</summary>
    public static TimeSpan Of(double seconds) => TimeSpan.FromSeconds(double.IsFinite(seconds) ? Math.Clamp(seconds, 0, Maximum) : 0);

    public static double ShareOf(string name) => Rendezvous.Hash(name) % 1000 / 1000.0;
}

using System.Globalization;
using MantaLight.Protocol;

namespace MantaLight.Simulation;

/// <summary>Whether a swarm that has gone on for long went on well, and has gathered nothing.</summary>
internal static class SoakVerdict
{
    private const double Allowed = 1.1;

    /// <summary>What was not as it must be.</summary>
    public static IEnumerable<string> Of(IReadOnlyList<SoakSample> samples)
    {
        foreach (var idle in samples.Where(s => s.Rounds == 0))
            yield return string.Create(CultureInfo.InvariantCulture, $"no round ended in the interval before {idle.At.TotalHours:0.00} h");
        // A state with the history of fewer rounds than it may have grows still.
        var (rounds, quarter) = (0, samples.Count / 4);
        var full = samples.SkipWhile(s => (rounds += s.Rounds) <= SwarmState.MaximumHistory).Skip(1).ToArray();
        if (quarter == 0 || full.Length < 2 * quarter)
        {
            yield return $"{samples.Count} samples and {rounds} rounds tell nothing";
            yield break;
        }
        var (early, late) = (full[..quarter], full[^quarter..]);
        foreach (var (what, measure, unit, noise) in Measures)
        {
            var (before, after) = (early.Average(measure), late.Average(measure));
            if (after > (before * Allowed) + noise)
                yield return string.Create(CultureInfo.InvariantCulture, $"{what} grew from {before / unit:0} to {after / unit:0}");
        }
    }

    // How much memory there is at a moment depends on when which node was killed last; and how many messages an interval has, on which it was: of some thousand
    // in two minutes, 600 to 1,600 by seed and interval, without a trend.
    private static IEnumerable<(string What, Func<SoakSample, double> Measure, double Unit, double Noise)> Measures =>
    [
        ("the heap (kB)", s => s.Heap, 1024, 512 * 1024),
        ("retained topics", s => s.Topics, 1, 2),
        ("what the broker retains (kB)", s => s.BrokerBytes, 1024, 1024),
        ("files on the disks", s => s.Files, 1, 5),
        ("what the disks hold (kB)", s => s.DiskBytes, 1024, 1024),
        ("messages in an interval", s => s.Messages, 1, 300),
    ];
}

using System.Globalization;
using System.Text.RegularExpressions;
using MantaLight.Benchmarks.Report;

namespace MantaLight.Benchmarks.Topics;

/// <summary>Thousands of participants in one process: the 2NN of McMahan et al., batches of 10, one epoch.</summary>
internal static partial class SimulateTopic
{
    public static IEnumerable<Row> Measure()
    {
        var costs = new Dictionary<int, double>();
        foreach (var participants in new[] { 100, 1000, 10_000 })
        {
            // A hundred updates in each round, so that their cost can be compared.
            var fraction = (100.0 / participants).ToString(CultureInfo.InvariantCulture);
            var (output, code, _, peak, _) = WholeProcess.Mantalight(
                "simulate", Path.Combine(AppContext.BaseDirectory, "two_layers.json"), "--participants", participants.ToString(CultureInfo.InvariantCulture), "--fraction", fraction, "--rounds", "20");
            if (code != 0 || !Rate.IsMatch(output))
            {
                Console.Error.WriteLine($"The simulation of {participants} participants failed:\n{output}");
                continue;
            }
            var rate = double.Parse(Rate.Match(output).Groups[1].Value, NumberStyles.Number, CultureInfo.InvariantCulture);
            costs[participants] = 60_000 / rate;
            yield return new Row
            {
                Name = string.Create(CultureInfo.InvariantCulture, $"simulate.updates_of_{participants:D5}"), Value = rate, Unit = "updates/min",
                Target = participants == 1000 ? "at least 10,000" : null, Met = participants == 1000 ? rate >= 10_000 : null,
                Note = participants == 1000 ? "60 samples each; of 100 and 10,000 participants each has another number of samples, and so another cost." : null,
            };
            yield return new Row
            {
                Name = string.Create(CultureInfo.InvariantCulture, $"simulate.memory_of_{participants:D5}"), Value = peak / 1e6, Unit = "MB",
                Target = participants == 1000 ? "under 1,500" : participants == 10_000 ? "under 3,000" : null, Met = participants == 1000 ? peak < 1.5e9 : participants == 10_000 ? peak < 3e9 : null,
            };
        }
    }

    [GeneratedRegex(@"([\d,]+) a minute")]
    private static partial Regex Rate { get; }
}

using System.Globalization;
using System.Text.Json;
using MantaLight.Benchmarks.Report;

namespace MantaLight.Benchmarks.Topics;

/// <summary>Whole rounds of four tasks, nodes in processes of their own, no training, the tutorial's model: what a round costs beside training.</summary>
internal static class OverheadTopic
{
    // Flower 1.28, fit alone, no training, the same model, measured once on two cores: its packages are not in every registry.
    private static readonly Dictionary<int, double> Flower = new() { [2] = 36.7, [5] = 81.3, [10] = 182 };

    public static IEnumerable<Row> Measure()
    {
        foreach (var broker in new[] { "embedded", "mosquitto" })
        {
            using var mosquitto = broker == "mosquitto" ? Mosquitto.TryStart() : null;
            if (broker == "mosquitto" && mosquitto is null)
            {
                Console.Error.WriteLine("mosquitto is not installed; its rows are left out.");
                continue;
            }
            foreach (var nodes in Flower.Keys)
            {
                var rounds = Rounds(nodes, mosquitto?.Uri);
                if (rounds is null)
                    continue;
                yield return new Row
                {
                    Name = $"overhead.{broker}_{nodes.ToString("D2", CultureInfo.InvariantCulture)}_nodes", Value = rounds.Median, Spread = rounds.Spread, Unit = "ms",
                    Peer = "Flower, fit alone (measured once)", PeerValue = Flower[nodes], Ratio = rounds.Median / Flower[nodes],
                    Target = nodes == 10 ? "at most 0.8 x Flower" : "below Flower",
                    Note = "Flower was measured once, on a machine of this kind: whether the target is met is for the reader of both figures.",
                };
            }
        }
    }

    /// <summary>Milliseconds of each round but the first ones; null where the run failed.</summary>
    private static Sample? Rounds(int nodes, string? broker)
    {
        var report = Path.Combine(Path.GetTempPath(), $"mantalight-overhead-{Environment.ProcessId}.json");
        string[] where = broker is null ? [] : ["--broker", broker, "--id", $"echo_{nodes}"];
        var (output, code, _, _, _) = WholeProcess.Mantalight(
            ["run", Path.Combine(AppContext.BaseDirectory, "echo.json"), "--nodes", nodes.ToString(CultureInfo.InvariantCulture), "--processes", "--json", report, .. where]);
        if (code != 0)
        {
            Console.Error.WriteLine($"The run with {nodes} nodes failed:\n{output}");
            return null;
        }
        using var document = JsonDocument.Parse(File.ReadAllBytes(report));
        File.Delete(report);
        return Sample.Of(document.RootElement.GetProperty("rounds").EnumerateArray().Skip(3).Select(r => r.GetProperty("overhead_seconds").GetDouble() * 1000).ToArray());
    }
}

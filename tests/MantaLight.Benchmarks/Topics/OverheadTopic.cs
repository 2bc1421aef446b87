using System.Globalization;
using MantaLight.Benchmarks.Report;

namespace MantaLight.Benchmarks.Topics;

/// <summary>
/// Whole rounds of four tasks, nodes and broker in processes of their own, no training, the tutorial's model, all results different: what a round costs
/// beside training. Beside it Flower's round, which is fit alone (no evaluation, no commit), and the bytes of a round over plain TCP.
/// </summary>
internal static class OverheadTopic
{
    private const int Parameters = 669_706;

    // Each node is a process that compiles its code while it runs: until then rounds take half as long again.
    private const int WarmUp = 150;
    private const int Rounds = 50;

    private static readonly int[] Nodes = [2, 5, 10];

    // Flower 1.28, measured once on two cores of another day: its packages are not in every registry.
    private static readonly Dictionary<int, double> OfAnotherDay = new() { [2] = 36.7, [5] = 81.3, [10] = 182 };

    private static readonly Lazy<double> Hashing = new(HashOne);

    /// <summary>The rows, without the topic's name.</summary>
    public static IReadOnlyList<string> Rows { get; } =
        [.. BrokerProcess.Names.SelectMany(broker => Nodes.SelectMany(n => new[] { Of(broker, n, ""), Of(broker, n, "_times_tcp") }).Append(Of(broker, 10, "_fp16")))];

    public static IEnumerable<Row> Measure()
    {
        var flower = Peer.Run("flower", [.. Nodes.Select(n => n.ToString(CultureInfo.InvariantCulture))]);
        var floors = Nodes.ToDictionary(nodes => nodes, nodes => PlainTcp.Milliseconds(nodes, Parameters * sizeof(float)));
        foreach (var broker in BrokerProcess.Names)
        {
            foreach (var nodes in Nodes)
            {
                var floor = floors[nodes];
                if (EchoRun.Of(broker, "echo.json", nodes, Parameters, Rounds, processes: true, WarmUp) is not { } run)
                    continue;
                var rounds = run.Rounds.Select(s => s * 1000);
                yield return Beside(flower, nodes, rounds, nodes == 10 ? 0.8 : 1) with { Name = $"overhead.{Of(broker, nodes, "")}", Floor = floor.Median };
                var times = rounds.Median / floor.Median;
                yield return new Row { Name = $"overhead.{Of(broker, nodes, "_times_tcp")}", Value = times, Unit = "x plain TCP", Target = "at most 5" }
                    .AtMost(times, 5, Why(nodes));
            }
            if (EchoRun.Of(broker, "echo_fp16.json", 10, Parameters, Rounds, processes: true, WarmUp) is { } half)
                yield return Beside(flower, 10, half.Rounds.Select(s => s * 1000), 0.5, isHalf: true) with { Name = $"overhead.{Of(broker, 10, "_fp16")}" };
        }
    }

    private static string Of(string broker, int nodes, string what) => string.Create(CultureInfo.InvariantCulture, $"{broker}_{nodes:D2}_nodes{what}");

    /// <summary>What of it is no waste: contributions cross the broker, all is hashed where it is made and where it arrives.</summary>
    private static string Why(int nodes, bool isHalf = false)
    {
        var hash = Math.Round(((3 * nodes) - 1) * Hashing.Value / (isHalf ? 2 : 1) / Environment.ProcessorCount, 1);
        return string.Create(CultureInfo.InvariantCulture, $"{(3 * nodes) + 1} models{(isHalf ? " of half the bytes, each packed and unpacked," : "")} go over TCP and through a broker where Flower's {2 * nodes} go from end to end; {(3 * nodes) - 1} are hashed, which alone takes all cores {hash} ms, and {2 * nodes} are kept in files; four tasks are committed one after the other, each commit read by every node and kept.");
    }

    private static double HashOne()
    {
        var model = new byte[Parameters * sizeof(float)];
        var times = Enumerable.Range(0, 20).Select(_ =>
        {
            var began = System.Diagnostics.Stopwatch.GetTimestamp();
            System.Security.Cryptography.SHA256.HashData(model);
            return System.Diagnostics.Stopwatch.GetElapsedTime(began).TotalMilliseconds;
        });
        return Sample.Of([.. times]).Median;
    }

    private static Row Beside(IReadOnlyDictionary<string, Sample> flower, int nodes, Sample rounds, double most, bool isHalf = false)
    {
        var today = flower.GetValueOrDefault(string.Create(CultureInfo.InvariantCulture, $"round_{nodes}"));
        var row = new Row
        {
            Name = "", Value = rounds.Median, Spread = rounds.Spread, Unit = "ms", Peer = today is null ? "Flower 1.28, another day and machine" : "Flower 1.28",
            PeerValue = today?.Median ?? OfAnotherDay[nodes], Ratio = rounds.Median / (today?.Median ?? OfAnotherDay[nodes]),
            Target = string.Create(CultureInfo.InvariantCulture, $"at most {most} x Flower"),
        };
        return today is null
            ? row with { Note = "Not judged: Flower is not installed here (pip install flwr, or FLOWER_SOURCE)." }
            : row.AtMost(row.Ratio!.Value, most, Why(nodes, isHalf));
    }
}

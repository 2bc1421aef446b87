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
    private const int WarmUp = 50;
    private const int Rounds = 50;

    private static readonly int[] Nodes = [2, 5, 10];

    // Flower 1.28, measured once on two cores of another day: its packages are not in every registry.
    private static readonly Dictionary<int, double> OfAnotherDay = new() { [2] = 36.7, [5] = 81.3, [10] = 182 };

    /// <summary>The rows, without the topic's name.</summary>
    public static IReadOnlyList<string> Rows { get; } =
        [.. BrokerProcess.Names.SelectMany(broker => Nodes.SelectMany(n => new[] { Of(broker, n, ""), Of(broker, n, "_times_tcp") }).Append(Of(broker, 10, "_fp16")))];

    public static IEnumerable<Row> Measure()
    {
        var flower = Peer.Run("flower", [.. Nodes.Select(n => n.ToString(CultureInfo.InvariantCulture))]);
        foreach (var broker in BrokerProcess.Names)
        {
            foreach (var nodes in Nodes)
            {
                var floor = PlainTcp.Milliseconds(nodes, Parameters * sizeof(float));
                if (EchoRun.Of(broker, "echo.json", nodes, Parameters, Rounds, processes: true, WarmUp) is not { } run)
                    continue;
                var rounds = run.Rounds.Select(s => s * 1000);
                yield return Beside(flower, nodes, rounds, nodes == 10 ? 0.8 : 1) with { Name = $"overhead.{Of(broker, nodes, "")}", Floor = floor.Median };
                var times = rounds.Median / floor.Median;
                yield return new Row { Name = $"overhead.{Of(broker, nodes, "_times_tcp")}", Value = times, Unit = "x plain TCP", Target = "at most 5" }
                    .AtMost(times, 5, "each byte crosses a broker, is hashed twice and written to two disks; a core's share of that is the same for each node.");
            }
            if (EchoRun.Of(broker, "echo_fp16.json", 10, Parameters, Rounds, processes: true, WarmUp) is { } half)
                yield return Beside(flower, 10, half.Rounds.Select(s => s * 1000), 0.5) with { Name = $"overhead.{Of(broker, 10, "_fp16")}" };
        }
    }

    private static string Of(string broker, int nodes, string what) => string.Create(CultureInfo.InvariantCulture, $"{broker}_{nodes:D2}_nodes{what}");

    private static Row Beside(IReadOnlyDictionary<string, Sample> flower, int nodes, Sample rounds, double most)
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
            : row.AtMost(row.Ratio!.Value, most, "our round is four tasks with a commit after each, and each byte goes through a broker; Flower's is one exchange between two ends.");
    }
}

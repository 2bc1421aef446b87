using System.Globalization;
using System.Security.Cryptography;
using MantaLight.Benchmarks.Report;

namespace MantaLight.Benchmarks.Topics;

/// <summary>
/// Whole rounds of four tasks, nodes and broker in processes of their own, no training, the tutorial's model, all results different: what a round costs
/// beside training. Beside it Flower's round, which is fit alone (no evaluation, no commit), and the bytes of a round over plain TCP.
/// </summary>
internal static class OverheadTopic
{
    private const int Parameters = 669_706;
    private const int ModelBytes = Parameters * sizeof(float);

    private const int Rounds = 30;
    private const int Most = 10;
    private static readonly int[] Nodes = [2, 5, Most];

    // Flower 1.28, measured once on two cores of another day: its packages are not in every registry.
    private static readonly Dictionary<int, double> OfAnotherDay = new() { [2] = 36.7, [5] = 81.3, [Most] = 182 };

    // In milliseconds.
    private static readonly Lazy<double> Hashing = new(() =>
    {
        var model = new byte[ModelBytes];
        return Sample.Seconds(() => SHA256.HashData(model)).Median * 1000;
    });

    /// <summary>One for each number of nodes: both brokers, Flower and plain TCP in one run, and in the largest one models of half the bytes.</summary>
    public static IReadOnlyList<Measurement> Measurements => [.. Nodes.Select(nodes => new Measurement([.. Rows(nodes)], () => Measure(nodes), isRepeated: true))];

    /// <summary>What is no waste: contributions cross the broker, all is hashed where it is made and where it arrives. Told once, with the topic.</summary>
    public static string About { get; } =
        "Of n nodes, 3n + 1 models go over TCP and through a broker where Flower's 2n go from end to end; 3n - 1 are hashed and 2n kept in files; four tasks are committed one after the other, each commit read by every node and kept.";

    private static IEnumerable<string> Rows(int nodes) =>
        BrokerProcess.Names.SelectMany(broker => new[] { "", "_times_tcp" }.Concat(nodes == Most ? ["_fp16"] : []).Select(what => Of(broker, nodes, what)));

    private static IEnumerable<Row> Measure(int nodes)
    {
        var flower = Peer.Run("flower", [nodes.ToString(CultureInfo.InvariantCulture)]).GetValueOrDefault(string.Create(CultureInfo.InvariantCulture, $"round_{nodes}"));
        var floor = PlainTcp.Milliseconds(nodes, ModelBytes);
        var halfFloor = nodes == Most ? PlainTcp.Milliseconds(nodes, ModelBytes / 2) : null;
        foreach (var broker in BrokerProcess.Names)
        {
            if (Round(broker, nodes, "echo.json", "", floor, flower, nodes == Most ? 0.8 : 1) is not { } round)
                continue;
            yield return round;
            var times = round.Value / floor.Median;
            yield return new Row { Name = $"{round.Name}_times_tcp", Value = times, Unit = "x plain TCP", Target = "at most 5" }.AtMost(times, 5, Why(broker, nodes, isHalf: false));
            if (halfFloor is not null && Round(broker, nodes, "echo_fp16.json", "_fp16", halfFloor, flower, 0.5) is { } half)
                yield return half;
        }
    }

    private static Row? Round(string broker, int nodes, string definition, string what, Sample floor, Sample? flower, double most)
    {
        if (EchoRun.Of(broker, definition, nodes, Parameters, Rounds, processes: true, WarmUp(nodes)) is not { } run)
            return null;
        var rounds = run.Rounds.Select(s => s * 1000);
        var peer = flower?.Median ?? OfAnotherDay[nodes];
        var row = (Row.Of($"overhead.{Of(broker, nodes, what)}", rounds, "ms") with
        {
            Peer = "Flower 1.28, another day and machine", PeerValue = peer, Ratio = rounds.Median / peer, Target = FormattableString.Invariant($"at most {most} x Flower"),
        }).Above(floor).Beside("Flower 1.28", flower);
        return flower is null
            ? row with { Note = "Not judged: Flower is not installed here (pip install flwr, or FLOWER_SOURCE)." }
            : row.AtMost(row.Ratio!.Value, most, Why(broker, nodes, isHalf: what.Length > 0));
    }

    // Each node is a process that compiles its code while it runs: until then rounds take half as long again. Those of ten nodes last longer, and fewer of them are enough.
    private static int WarmUp(int nodes) => nodes == Most ? 80 : 150;

    private static string Of(string broker, int nodes, string what) => string.Create(CultureInfo.InvariantCulture, $"{broker}_{nodes:D2}_nodes{what}");

    private static string Why(string broker, int nodes, bool isHalf)
    {
        var hash = ((3 * nodes) - 1) * Hashing.Value / (isHalf ? 2 : 1) / Environment.ProcessorCount;
        return string.Create(CultureInfo.InvariantCulture, $"hashes alone take all cores {hash:F1} ms{(isHalf ? ", packing and unpacking come on top, and all but bytes, four commits and what each node is told, is as much as ever" : "")}{(broker == "embedded" ? "; this broker copies each payload and passes on about half as many bytes a second as mosquitto (transport)" : "")}; the rest is said with the topic.");
    }
}

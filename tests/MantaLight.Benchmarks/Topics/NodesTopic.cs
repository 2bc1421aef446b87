using MantaLight.Benchmarks.Report;

namespace MantaLight.Benchmarks.Topics;

/// <summary>2 to 1,000 nodes with real connections, all in one process; a hundred of them at most take part in a round.</summary>
internal static class NodesTopic
{
    private const int Parameters = 10_000;
    private const int Rounds = 3;
    private static readonly int[] Sizes = [2, 10, 30, 100, 300, 1000];

    /// <summary>One for each size, with one broker after the other: mosquitto is the embedded one's peer.</summary>
    public static IReadOnlyList<Measurement> Measurements =>
    [
        .. Sizes.Select(nodes => new Measurement(
            [.. BrokerProcess.Names.SelectMany(broker => new[] { "round", "memory", "broker_memory" }.Select(what => Name(broker, nodes, what)))],
            () => Measure(nodes), isRepeated: true)),
    ];

    private static IEnumerable<Row> Measure(int nodes)
    {
        Row[] peers = [.. Measure("mosquitto", nodes)];
        Row[] own = [.. Measure("embedded", nodes)];
        return own.Select((row, i) => peers.Length == 0 ? row : row with
        {
            Peer = "mosquitto", PeerValue = peers[i].Value, PeerSpread = peers[i].Spread, Ratio = row.Value / peers[i].Value,
        }).Concat(peers);
    }

    private static IEnumerable<Row> Measure(string broker, int nodes)
    {
        if (EchoRun.Of(broker, "echo_sampled.json", nodes, Parameters, Rounds, processes: false) is not { } run)
            yield break;
        var curve = $"nodes on {broker}";
        yield return Row.Of($"nodes.{Name(broker, nodes, "round")}", run.Rounds, "s") with { Point = new Point(curve, nodes, "a round") };
        yield return new Row
        {
            Name = $"nodes.{Name(broker, nodes, "memory")}", Value = run.Peaks["run"].All / 1e6, Unit = "MB", Point = new Point(curve, nodes, "memory of all nodes"),
        };
        yield return new Row
        {
            Name = $"nodes.{Name(broker, nodes, "broker_memory")}", Value = run.Peaks["broker"].All / 1e6, Unit = "MB", Point = new Point(curve, nodes, "broker's memory"),
        };
    }

    private static string Name(string broker, int nodes, string what) => FormattableString.Invariant($"{broker}_{nodes:D4}_{what}");
}

using MantaLight.Benchmarks.Report;

namespace MantaLight.Benchmarks.Topics;

/// <summary>Models of 1 to 100 million float32, four nodes in processes of their own, no training.</summary>
internal static class LargeTopic
{
    private const int Nodes = 4;
    private const int Rounds = 2;
    private const string Curve = "million parameters";
    private static readonly int[] Millions = [1, 3, 10, 30, 100];

    /// <summary>One for each size.</summary>
    public static IReadOnlyList<Measurement> Measurements =>
    [
        .. Millions.Select(m => new Measurement(
            [Name(m, "round"), Name(m, "aggregator_memory"), Name(m, "worker_memory"), Name(m, "broker_memory")], () => Measure(m), isRepeated: true)),
    ];

    private static IEnumerable<Row> Measure(int millions)
    {
        var floor = PlainTcp.Milliseconds(Nodes, millions * 4_000_000, runs: 3, warmUp: 1).Select(ms => ms / 1000);
        if (EchoRun.Of("embedded", "echo.json", Nodes, millions * 1_000_000L, Rounds, processes: true) is not { } run)
            yield break;
        var isAimedAt = millions == Millions[^1];
        var model = millions * 4_000_000.0;
        yield return (Row.Of($"large.{Name(millions, "round")}", run.Rounds, "s") with
        {
            Ratio = run.Rounds.Median / floor.Median, Point = new Point(Curve, millions, "a round"),
            Note = FormattableString.Invariant($"Plain TCP takes {floor.Median:G3} s for the model's bytes down to four processes and up from them."),
        }).Above(floor);
        var aggregator = run.Aggregators.Select(id => run.Peaks[id]).MaxBy(p => p.All);
        // Mapped files as well: what they take is the system's to give back, but it is there.
        var row = MemoryOf(millions, "aggregator", aggregator, model) with { Ratio = aggregator.All / model };
        yield return !isAimedAt ? row : (row with { Target = "at most 2.5 x the model, mapped files included" })
            .AtMost(row.Ratio!.Value, 2.5, "sums and result are a model each, and whatever else of this size was made before is still to be collected.");
        // Who only worked, where there is one: an aggregator's peak is its own.
        var workers = run.Peaks.Where(p => p.Key.StartsWith("node_", StringComparison.Ordinal) && !run.Aggregators.Contains(p.Key)).Select(p => p.Value).ToArray();
        if (workers.Length > 0)
            yield return MemoryOf(millions, "worker", workers.MaxBy(p => p.Anonymous), model);
        var broker = run.Peaks["broker"];
        row = MemoryOf(millions, "broker", broker, model) with { Ratio = (broker.All - run.BrokerAtFirst) / model };
        yield return !isAimedAt ? row : (row with { Target = "at most 3 x the model: what it retains, a global and the one before, and one more" })
            .AtMost(row.Ratio!.Value, 3, "chunks that have passed through wait for the next collection.");
    }

    private static Row MemoryOf(int millions, string who, Peak peak, double model) => new()
    {
        Name = $"large.{Name(millions, $"{who}_memory")}", Value = peak.Anonymous / 1e6, Unit = "MB", Ratio = peak.Anonymous / model, Point = new Point(Curve, millions, $"{who}'s memory"),
        Note = FormattableString.Invariant($"{peak.All / 1e6:F0} MB with mapped files, which the system takes back when it needs them."),
    };

    private static string Name(int millions, string what) => FormattableString.Invariant($"{millions:D3}m_{what}");
}

using System.Text.Json;
using MantaLight.Benchmarks.Report;
using MantaLight.Tests.Architecture;

namespace MantaLight.Tests.Benchmarks;

public sealed class ReportTests
{
    private static readonly Topic[] Topics =
    [
        new("weights", "Copies.", new Measurement(["encode", "decode"], () => [RowOf("weights.encode", 1), RowOf("weights.decode", 2)])),
        new("growth", "Curves.", new Measurement(["at_10"], () => [RowOf("growth.at_10", 3)]), new Measurement(["at_20"], () => [RowOf("growth.at_20", 4)])),
    ];

    [Fact]
    public void A_row_that_was_not_measured_again_stays_with_its_date_and_its_machine()
    {
        var before = ReportFiles.Merge(null, [RowOf("weights.encode", 1), RowOf("weights.decode", 2)], Topics, "old machine", "2026-01-01");
        var after = ReportFiles.Merge(before, [RowOf("weights.encode", 5)], Topics, "new machine", "2026-02-02");
        Assert.Equal([("weights.encode", 5, null, null), ("weights.decode", 2, "2026-01-01", "old machine")], after.Rows.Select(r => (r.Name, r.Value, r.Date, r.Machine)));
        Assert.Equal(("new machine", "2026-02-02"), (after.Machine, after.Date));
    }

    [Fact]
    public void A_row_keeps_its_first_date_over_several_partial_runs()
    {
        var first = ReportFiles.Merge(null, [RowOf("weights.encode", 1)], Topics, "machine", "2026-01-01");
        var second = ReportFiles.Merge(first, [RowOf("weights.decode", 2)], Topics, "machine", "2026-02-02");
        var third = ReportFiles.Merge(second, [RowOf("growth.at_10", 3)], Topics, "machine", "2026-03-03");
        Assert.Equal(["2026-01-01", "2026-02-02", null], third.Rows.Select(r => r.Date));
    }

    [Fact]
    public void Rows_are_in_the_order_of_the_topics_and_unknown_ones_come_last()
    {
        var report = ReportFiles.Merge(null, [RowOf("gone.row", 0), RowOf("growth.at_20", 4), RowOf("growth.at_10", 3), RowOf("weights.decode", 2)], Topics, "machine", "2026-01-01");
        Assert.Equal(["weights.decode", "growth.at_10", "growth.at_20", "gone.row"], report.Rows.Select(r => r.Name));
    }

    [Fact]
    public void What_is_published_has_each_row_once_and_says_of_each_missed_target_why()
    {
        using var published = JsonDocument.Parse(Repository.Read("docs/benchmarks.json"));
        var names = published.RootElement.GetProperty("rows").EnumerateArray().Select(r => r.GetProperty("name").GetString()!).ToArray();
        Assert.Equal(names.Distinct(StringComparer.Ordinal), names);
        var text = Repository.Read("docs/benchmarks.md");
        Assert.All(published.RootElement.GetProperty("rows").EnumerateArray().Where(r => r.TryGetProperty("met", out var met) && met.ValueKind == JsonValueKind.False), row =>
            Assert.Contains($"**{row.GetProperty("name").GetString()}** is missed", text, StringComparison.Ordinal));
    }

    [Fact]
    public void What_is_published_are_medians_with_their_spread()
    {
        var published = JsonSerializer.Deserialize(Repository.Read("docs/benchmarks.json"), ReportJson.Default.BenchmarkReport)!;
        Assert.All(published.Rows, row =>
        {
            Assert.True(row.Spread is [_, _], $"{row.Name} has no spread.");
            // As it is written, the spread is rounded and the value is not.
            Assert.InRange(row.Value, row.Spread[0] - 0.0001, row.Spread[1] + 0.0001);
        });
    }

    [Fact]
    public void Names_of_topics_and_rows_are_known_and_others_are_told() =>
        Assert.Equal(["growth.at_30", "encode"], Topic.Unknown(["weights", "growth.at_20", "growth.at_30", "encode"], Topics));

    [Fact]
    public void A_rows_name_has_nothing_measured_that_it_does_not_come_of()
    {
        var wanted = new HashSet<string> { "growth.at_20" };
        Assert.Equal(["growth.at_20"], Topics.SelectMany(t => t.Wanted(wanted).SelectMany(m => m.Run(1)).Where(r => t.Wants(wanted, r))).Select(r => r.Name));
    }

    [Fact]
    public void Of_a_run_of_several_rows_the_one_that_is_asked_for_is_written()
    {
        var wanted = new HashSet<string> { "weights.decode" };
        Assert.Equal([2.0], Topics.SelectMany(t => t.Wanted(wanted).SelectMany(m => m.Run(1)).Where(r => t.Wants(wanted, r))).Select(r => r.Value));
    }

    [Fact]
    public void A_row_of_several_runs_is_that_of_the_median_with_the_spread_of_all()
    {
        var left = new Queue<Row[]>([[RowOf("a", 3), RowOf("b", 1)], [RowOf("a", 1)], [RowOf("a", 2) with { Note = "the middle one" }, RowOf("b", 5) with { Spread = [4, 9] }]]);
        var rows = new Measurement(["a", "b"], () => left.Dequeue(), isRepeated: true).Measure(runs: 3).ToArray();
        Assert.Equal(["a", "b"], rows.Select(r => r.Name));
        Assert.Equal((2, "the middle one"), (rows[0].Value, rows[0].Note));
        Assert.Equal([1, 3], rows[0].Spread!);
        // One that could not be measured in one of them.
        Assert.Equal([1, 9], rows[1].Spread!);
        left.Enqueue([RowOf("a", 7)]);
        Assert.Null(new Measurement(["a"], () => left.Dequeue()).Measure(runs: 3).Single().Spread);
    }

    [Fact]
    public void Peer_and_floor_of_several_runs_are_medians_with_their_spread_too()
    {
        var left = new Queue<Row>([Beside(5, 10, 1), Beside(1, 40, 3) with { PeerSpread = [35, 45] }, Beside(3, 20, 2)]);
        var row = new Measurement(["a"], () => [left.Dequeue()], isRepeated: true).Measure(runs: 3).Single();
        Assert.Equal((3, 20, 2, 0.15), (row.Value, row.PeerValue, row.Floor, row.Ratio));
        Assert.Equal([10, 45], row.PeerSpread!);
        Assert.Equal([1, 3], row.FloorSpread!);
    }

    [Fact]
    public void A_verdict_on_several_runs_is_that_of_the_middle_one_by_what_the_target_speaks_of()
    {
        // By its value the first is in the middle, and misses; by its ratio it is the worst.
        var left = new Queue<Row>([Judged(2, peer: 1), Judged(3, peer: 6), Judged(1, peer: 1)]);
        var row = new Measurement(["a"], () => [left.Dequeue()], isRepeated: true).Measure(runs: 3).Single();
        Assert.Equal((2, 1, true, "of 2"), (row.Value, row.Ratio, row.Met, row.Note));

        static Row Judged(double value, double peer) => (Beside(value, peer, 0) with { Note = $"of {value}" }).AtMost(value / peer, 1.5, "slow.");
    }

    [Fact]
    public void Runs_are_told_apart_so_that_each_has_its_own_seed() =>
        Assert.Equal([1, 3], new Measurement(["a"], run => [RowOf("a", run)], IsRepeated: true).Measure(runs: 3).Single().Spread!);

    [Fact]
    public void Spreads_stand_beside_what_they_are_of()
    {
        var row = RowOf("weights.encode", 2).Beside("msgpack", Sample.Of([4, 8, 6])).Above(Sample.Of([1, 1.5, 2]));
        var text = Markdown.Of(ReportFiles.Merge(null, [row], Topics, "machine", "2026-01-01"), Topics);
        Assert.Contains("| weights.encode | 2.00 ms | msgpack: 6.00 (4.00 to 8.00) | 1.50 (1.00 to 2.00) |", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missed_target_says_by_how_much_and_why()
    {
        var row = (RowOf("weights.encode", 3) with { Target = "at most 2 x", Note = "One thread." }).AtMost(3, 2, "the bus is full.");
        Assert.False(row.Met);
        Assert.Equal("One thread. Missed by 50 % too much: the bus is full.", row.Note);
        Assert.Equal("Missed by 25 % too little: slow.", RowOf("weights.encode", 3).AtLeast(3, 4, "slow.").Note);
    }

    [Fact]
    public void A_target_that_is_met_needs_no_excuse()
    {
        var row = RowOf("weights.encode", 2).AtMost(2, 2, "never told.");
        Assert.True(row.Met);
        Assert.Null(row.Note);
    }

    [Fact]
    public void No_topic_judges_without_a_reason() =>
        Assert.All(
            Directory.GetFiles(Path.Combine(Repository.Root, "tests", "MantaLight.Benchmarks", "Topics"), "*.cs"),
            file => Assert.DoesNotMatch(@"\bMet = ", File.ReadAllText(file)));

    [Fact]
    public void The_summary_counts_targets_and_tells_what_is_missed()
    {
        var report = ReportFiles.Merge(
            null, [RowOf("weights.encode", 1) with { Target = "at most 2 x", Met = true }, (RowOf("weights.decode", 3) with { Target = "at most 2 x" }).AtMost(3, 2, "slow.")], Topics, "machine", "2026-01-01");
        var text = Markdown.Of(report, Topics);
        Assert.Contains("1 met, 1 missed, 0 without a verdict here.", text, StringComparison.Ordinal);
        Assert.Contains("- **weights.decode** is missed: Missed by 50 % too much: slow.", text, StringComparison.Ordinal);
        Assert.True(text.IndexOf("## Targets", StringComparison.Ordinal) < text.IndexOf("## weights", StringComparison.Ordinal));
    }

    [Fact]
    public void Points_of_a_curve_become_a_table_of_what_grows_and_a_chart()
    {
        var rows = new[] { 20, 10 }.SelectMany(n => new[]
        {
            RowOf($"growth.at_{n}", n / 10.0) with { Point = new Point("nodes", n, "a round") },
            RowOf($"growth.memory_{n}", n * 2) with { Point = new Point("nodes", n, "memory"), Unit = "MB" },
        }).ToArray();
        var text = Markdown.Of(ReportFiles.Merge(null, rows, Topics, "machine", "2026-01-01"), Topics);
        Assert.Contains("| nodes | a round, ms | memory, MB |\n|---|---|---|\n| 10 | 1.00 | 20.0 |\n| 20 | 2.00 | 40.0 |\n", text, StringComparison.Ordinal);
        Assert.Contains("x-axis \"nodes\" [\"10\", \"20\"]\n  y-axis \"a round, ms\"\n  line [1, 2]", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_row_for_machines_has_each_field_that_is_promised_and_how_to_measure_it_again()
    {
        using var json = JsonDocument.Parse(JsonSerializer.Serialize(ReportFiles.Merge(null, [RowOf("weights.encode", 1)], Topics, "machine", "2026-01-01"), ReportJson.Default.BenchmarkReport));
        var row = json.RootElement.GetProperty("rows")[0];
        Assert.Superset(
            new HashSet<string> { "name", "value", "unit", "peer", "peer_value", "floor", "ratio", "target", "met", "command" }, row.EnumerateObject().Select(p => p.Name).ToHashSet());
        Assert.EndsWith("report --only weights.encode", row.GetProperty("command").GetString(), StringComparison.Ordinal);
    }

    private static Row Beside(double value, double peer, double floor) => RowOf("a", value) with { Peer = "peer", PeerValue = peer, Floor = floor, Ratio = value / peer };

    private static Row RowOf(string name, double value) => new() { Name = name, Value = value, Unit = "ms" };
}

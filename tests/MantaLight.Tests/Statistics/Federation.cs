using System.Globalization;
using System.Text.Json;
using MantaLight.Statistics;
using MantaLight.Tasks;
using MantaLight.Tests.Tasks;

namespace MantaLight.Tests.Statistics;

/// <summary>Some nodes with a CSV file each, whose measures are taken and combined round by round.</summary>
internal sealed class Federation : IDisposable
{
    public const string Schema = """
        { "columns": [ { "name": "age", "minimum": 0, "maximum": 100 }, { "name": "stay", "minimum": 0, "maximum": 60 }, { "name": "ward", "values": ["medicine", "surgery", "cardiology"] } ] }
        """;

    private static readonly string[] Wards = ["medicine", "surgery", "cardiology"];

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("mantalight-statistics-");
    private readonly JsonElement schema;

    public Federation(int[] sizes, string schema = Schema, int seed = 5)
    {
        this.schema = JsonElement.Parse(schema);
        var random = new Random(seed);
        for (var n = 0; n < sizes.Length; n++)
        {
            // Each node has its own mix, and ages come again and again.
            (double Age, double Stay, int Ward)[] rows = [.. Enumerable.Range(0, sizes[n]).Select(_ =>
                (Math.Min(100, (10 * n) + random.Next(70)), Math.Min(60, Math.Round(-Math.Log(1 - random.NextDouble()) * 6, 3)), random.Next(1 + (n % 3))))];
            Rows.AddRange(rows);
            File.WriteAllLines(PathOf(n), rows.Select(r => string.Create(CultureInfo.InvariantCulture, $"{r.Age},{Wards[r.Ward]},{r.Stay}")).Prepend("age,ward,stay"));
        }
        Nodes = sizes.Length;
    }

    public int Nodes { get; }

    /// <summary>The rows of all nodes.</summary>
    public List<(double Age, double Stay, int Ward)> Rows { get; } = [];

    public static string Node(int number) => $"node_{number}";

    public void Dispose() => folder.Delete(recursive: true);

    /// <summary>All rounds.</summary>
    public async Task<TableStatistics> RunAsync(string measures, ulong seed = 1)
    {
        JsonElement? statistics = null;
        for (var round = 1; ; round++)
        {
            var told = new List<(string Node, JsonElement Measurement)>();
            for (var n = 0; n < Nodes; n++)
                told.Add((Node(n), (await MeasureAsync(n, measures, statistics, seed + (ulong)((round * 1000) + n)))!.Value));
            var (next, another) = await CombineAsync(measures, statistics, told);
            statistics = next;
            var read = TaskJson.Read<TableStatistics>(next, "statistics");
            Assert.Equal(!read.Done, another);
            Assert.Equal(round, read.Stage);
            if (read.Done)
                return read;
        }
    }

    /// <summary>What a node tells in a round; null where it tells nothing.</summary>
    public async Task<JsonElement?> MeasureAsync(int node, string measures, JsonElement? statistics = null, ulong seed = 1, int attempt = 1)
    {
        var store = With(new MemoryAttemptStore { Node = Node(node), Seed = seed, Attempt = attempt, Datasets = new OneFile(PathOf(node)) }, measures, statistics);
        await store.RunAsync(new MeasureTable());
        return store.StagedResults.TryGetValue(MeasureTable.ResultTag, out var told) ? (JsonElement)told : null;
    }

    public async Task<(JsonElement Statistics, bool Another)> CombineAsync(string measures, JsonElement? statistics, IEnumerable<(string Node, JsonElement Measurement)> told)
    {
        var store = With(new MemoryAttemptStore(), measures, statistics);
        foreach (var (node, measurement) in told)
            store.WithResult(node, MeasureTable.ResultTag, measurement);
        await store.RunAsync(new CombineMeasures());
        return ((JsonElement)store.StagedGlobals["statistics"], store.Requests.Request is { Stop: false });
    }

    private MemoryAttemptStore With(MemoryAttemptStore store, string measures, JsonElement? statistics)
    {
        store.WithGlobal("schema", schema).WithGlobal("measures", JsonElement.Parse(measures));
        return statistics is { } known ? store.WithGlobal("statistics", known) : store;
    }

    private string PathOf(int node) => Path.Combine(folder.FullName, $"{Node(node)}.csv");

    private sealed class OneFile(string path) : IDatasetProvider
    {
        public IReadOnlyCollection<string> Names => ["table"];

        public string? Find(string dataset) => dataset == "table" ? path : null;
    }
}

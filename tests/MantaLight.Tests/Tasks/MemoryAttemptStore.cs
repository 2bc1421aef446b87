using System.Text.Json;
using MantaLight.Tasks;
using MantaLight.Weights;
using Microsoft.Extensions.Logging.Abstractions;

namespace MantaLight.Tests.Tasks;

/// <summary>An attempt's reads and effects in memory, so that a task runs as it would on a node. Results are given in any order and read in node-id order.</summary>
internal sealed class MemoryAttemptStore : AttemptStore
{
    private readonly Dictionary<string, JsonElement> globalJson = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Func<NamedArrays>> globalWeights = new(StringComparer.Ordinal);
    private readonly List<Entry> results = [];
    private List<Entry>? inOrder;

    /// <summary>Staged globals: <see cref="JsonElement"/> or a copy of the weights.</summary>
    public Dictionary<string, object> StagedGlobals { get; } = new(StringComparer.Ordinal);

    public Dictionary<string, object> StagedResults { get; } = new(StringComparer.Ordinal);

    /// <summary>Awaited before a result's weights are given out; the argument is the node's id.</summary>
    public Func<string, CancellationToken, Task> BeforePull { get; set; } = (_, _) => Task.CompletedTask;

    public RoundRequests Requests { get; } = new();

    /// <summary>Whether the weights of all results are on this node from the beginning.</summary>
    public bool HasAll { get; init; }

    public int Round { get; init; } = 1;

    public ulong Seed { get; init; } = 1;

    public SpentSoFar? Spent { get; init; }

    public IReadOnlyList<string>? Candidates { get; init; }

    public string Node { get; init; } = "node_0";

    public int Attempt { get; init; } = 1;

    public IDatasetProvider Datasets { get; init; } = new NoDatasets();

    public override IReadOnlyCollection<string> GlobalTags =>
        [.. globalJson.Keys.Concat(globalWeights.Keys).Order(StringComparer.Ordinal)];

    public MemoryAttemptStore WithGlobal(string tag, object value)
    {
        globalJson[tag] = TaskJson.Write(value);
        return this;
    }

    public MemoryAttemptStore WithGlobalWeights(string tag, Func<NamedArrays> weights)
    {
        globalWeights[tag] = weights;
        return this;
    }

    public MemoryAttemptStore WithResult(string node, string tag, object value)
    {
        results.Add(new Entry(node, tag, null, TaskJson.Write(value), null));
        return this;
    }

    public MemoryAttemptStore WithWeights(string node, string tag, long samples, Func<NamedArrays> weights)
    {
        results.Add(new Entry(node, tag, samples, default, weights));
        return this;
    }

    /// <summary>Adds a difference from <c>global_TAG</c> as it was in a round.</summary>
    public MemoryAttemptStore WithDifference(string node, string tag, int round, Func<NamedArrays> weights, string? from = null)
    {
        results.Add(new Entry(node, tag, 1, default, weights) { Round = round, From = from ?? $"global_{tag}" });
        return this;
    }

    /// <summary>Runs a task as an attempt of the round.</summary>
    public async Task RunAsync(SwarmTask task, object? options = null, CancellationToken cancellationToken = default)
    {
        var context = new AttemptContext(_ => { })
        {
            Swarm = "test",
            Round = Round,
            MaximumRounds = 10,
            Node = Node,
            Alias = "task",
            Attempt = Attempt,
            Seed = Seed,
            Spent = Spent,
            Candidates = Candidates,
            Deadline = DateTimeOffset.MaxValue,
            Options = TaskJson.Write(options ?? new { }),
            Time = TimeProvider.System,
        };
        task.Attach(new AttemptEnvironment(
            new World(new Globals(this), new Results(this), Requests), new Local(Datasets), NullLogger.Instance, context));
        await task.RunAsync(cancellationToken);
    }

    public override Task<T> ReadGlobalJsonAsync<T>(string tag, Func<JsonElement, T> read, CancellationToken cancellationToken) =>
        globalJson.TryGetValue(tag, out var json)
            ? Task.FromResult(read(json))
            : throw new TaskContractException($"There is no JSON global '{tag}'.");

    public override Task<NamedArrays> ReadGlobalWeightsAsync(string tag, CancellationToken cancellationToken) =>
        globalWeights.TryGetValue(tag, out var weights)
            ? Task.FromResult(weights())
            : throw new TaskContractException($"There are no weights '{tag}' among the globals.");

    public override IReadOnlyList<Result> SelectResults(string tag)
    {
        inOrder ??= [.. results.OrderBy(r => r.Node, StringComparer.Ordinal)];
        return [.. inOrder.Index().Where(r => r.Item.Tag == tag).Select(r => new Result(this, r.Index, r.Item.Node, tag, r.Item.Samples) { Round = r.Item.Round, DifferenceFrom = r.Item.From })];
    }

    public override Task<T> ReadResultJsonAsync<T>(int index, Func<JsonElement, T> read, CancellationToken cancellationToken) =>
        Task.FromResult(read(inOrder![index].Json));

    public override async Task<NamedArrays> ReadResultWeightsAsync(int index, CancellationToken cancellationToken)
    {
        await BeforePull(inOrder![index].Node, cancellationToken);
        return inOrder[index].Weights!();
    }

    public override bool HasResultWeights(int index) => HasAll;

    public override void StageGlobal(string tag, JsonElement value) => StagedGlobals.Add(tag, value);

    public override void StageGlobal(string tag, NamedArrays weights) => StagedGlobals.Add(tag, Copy(weights));

    public override void StageResult(string tag, JsonElement value) => StagedResults.Add(tag, value);

    public override void StageResult(string tag, NamedArrays weights, long samples) => StagedResults.Add(tag, Copy(weights));

    private static NamedArrays Copy(NamedArrays weights) =>
        new(weights.Select(a => new NamedArray(a.Name, a.Type, a.Shape, a.Data.ToArray())));

    private sealed record Entry(string Node, string Tag, long? Samples, JsonElement Json, Func<NamedArrays>? Weights)
    {
        public int Round { get; init; } = 1;

        public string? From { get; init; }
    }

    private sealed class NoDatasets : IDatasetProvider
    {
        public IReadOnlyCollection<string> Names => [];

        public string? Find(string dataset) => null;
    }
}

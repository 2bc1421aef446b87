using System.Text.Json;
using MantaLight.Privacy;
using MantaLight.Tasks;
using MantaLight.Weights;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace MantaLight.Torch.Tests.Support;

/// <summary>Runs tasks with their reads and effects in memory.</summary>
internal sealed class MemoryAttempt : AttemptStore, IStateStore
{
    private readonly List<(string Node, string Tag, JsonElement Value)> previous = [];

    public Dictionary<string, JsonElement> GlobalValues { get; } = [];

    public Dictionary<string, NamedArrays> GlobalWeights { get; } = [];

    public Dictionary<string, JsonElement> Results { get; } = [];

    public Dictionary<string, (NamedArrays Weights, long Samples)> ResultWeights { get; } = [];

    /// <summary>What the node keeps, from before this attempt.</summary>
    public Dictionary<string, NamedArrays> Before { get; init; } = [];

    /// <summary>What the node keeps when the attempt counts.</summary>
    public Dictionary<string, NamedArrays> Kept { get; } = [];

    public List<TaskProgress> Progress { get; } = [];

    public RoundRequests Requests { get; } = new();

    public ulong Seed { get; init; } = 42;

    public int Round { get; init; } = 1;

    public int MaximumRounds { get; init; } = 1;

    public int Threads { get; init; } = 1;

    public Dictionary<string, string> Datasets { get; init; } = [];

    public ILogger Logger { get; init; } = NullLogger.Instance;

    public override IReadOnlyCollection<string> GlobalTags => [.. GlobalValues.Keys, .. GlobalWeights.Keys];

    public MemoryAttempt With(string tag, string json)
    {
        GlobalValues[tag] = JsonElement.Parse(json);
        return this;
    }

    public MemoryAttempt With(string tag, NamedArrays weights)
    {
        GlobalWeights[tag] = Copy(weights);
        return this;
    }

    public MemoryAttempt WithResult(string node, string tag, string json)
    {
        previous.Add((node, tag, JsonElement.Parse(json)));
        return this;
    }

    /// <summary>What the node has spent.</summary>
    public PrivacyBook Book { get; set; } = PrivacyBook.InMemory();

    public Local Local() => new(new Provider(Datasets), this) { Privacy = Book };

    public async Task<MemoryAttempt> RunAsync(SwarmTask task, CancellationToken cancellationToken = default)
    {
        var world = new World(new Globals(this), new Results(this), Requests);
        var context = new AttemptContext(Progress.Add)
        {
            Swarm = "test",
            Round = Round,
            MaximumRounds = MaximumRounds,
            Node = "node_0",
            Alias = "worker",
            Attempt = 1,
            Seed = Seed,
            Threads = Threads,
            Deadline = DateTimeOffset.MaxValue,
            Options = JsonElement.Parse("{}"),
            Time = TimeProvider.System,
        };
        task.Attach(new AttemptEnvironment(world, Local(), Logger, context));
        await task.RunAsync(cancellationToken);
        return this;
    }

    public override Task<T> ReadGlobalJsonAsync<T>(string tag, Func<JsonElement, T> read, CancellationToken cancellationToken) =>
        Task.FromResult(read(GlobalValues[tag]));

    public override Task<NamedArrays> ReadGlobalWeightsAsync(string tag, CancellationToken cancellationToken) =>
        Task.FromResult(Copy(GlobalWeights[tag]));

    public override IReadOnlyList<Result> SelectResults(string tag) =>
        [.. previous.Index().Where(p => p.Item.Tag == tag).Select(p => new Result(this, p.Index, p.Item.Node, tag, null))];

    public override Task<T> ReadResultJsonAsync<T>(int index, Func<JsonElement, T> read, CancellationToken cancellationToken) =>
        Task.FromResult(read(previous[index].Value));

    public override Task<NamedArrays> ReadResultWeightsAsync(int index, CancellationToken cancellationToken) => throw new NotSupportedException();

    public override void StageGlobal(string tag, JsonElement value) => GlobalValues[tag] = value;

    public override void StageGlobal(string tag, NamedArrays weights) => GlobalWeights[tag] = Copy(weights);

    public override void StageResult(string tag, JsonElement value) => Results.Add(tag, value);

    public override void StageResult(string tag, NamedArrays weights, long samples) => ResultWeights.Add(tag, (Copy(weights), samples));

    public Task<NamedArrays?> ReadAsync(string name, CancellationToken cancellationToken) => Task.FromResult(Before.TryGetValue(name, out var kept) ? Copy(kept) : null);

    public void Write(string name, NamedArrays value) => Kept[name] = Copy(value);

    /// <summary>A copy in managed memory, as a store that writes out makes one.</summary>
    public static NamedArrays Copy(NamedArrays weights) =>
        new(weights.Select(w => new NamedArray(w.Name, w.Type, w.Shape, w.Data.ToArray())));

    private sealed class Provider(Dictionary<string, string> datasets) : IDatasetProvider
    {
        public IReadOnlyCollection<string> Names => datasets.Keys;

        public string? Find(string dataset) => datasets.GetValueOrDefault(dataset);
    }
}

using System.Runtime.CompilerServices;
using System.Text.Json;
using MantaLight.Weights;
using MantaLight.Weights.Sources;

namespace MantaLight.Tasks;

/// <summary>Per-node named values of one round.</summary>
public sealed class Results
{
    private readonly AttemptStore store;

    internal Results(AttemptStore store) => this.store = store;

    /// <summary>Adds a JSON value of this node; numbers in it are averaged over nodes in the round's summary.</summary>
    /// <param name="tag">1 to 64 characters of <c>A-Za-z0-9_-</c>; each once per attempt.</param>
    /// <param name="value">Anything that serializes to at most 16 MiB of JSON.</param>
    public void Add<T>(string tag, T value) => store.StageResult(tag, TaskJson.Write(value));

    /// <summary>
    /// Adds weights of this node. They are written out before the call returns, so the memory behind them may change
    /// afterwards; they stay on this node until a consumer pulls them.
    /// </summary>
    /// <param name="tag">1 to 64 characters of <c>A-Za-z0-9_-</c>; each once per attempt.</param>
    /// <param name="weights">The weights.</param>
    /// <param name="samples">How many samples they were trained on: the contribution's weight in a mean. At least 1.</param>
    public void Add(string tag, NamedArrays weights, long samples)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(samples, 1);
        store.StageResult(tag, weights, samples);
    }

    /// <summary>
    /// The previous tasks' results of that tag, in node-id order whatever the order of arrival. It is lazy: each
    /// contribution can be folded and dropped before the next one is read.
    /// </summary>
    public IReadOnlyList<Result> Select(string tag) => store.SelectResults(tag);

    /// <summary>The previous tasks' JSON results of that tag, by node id, for small ones.</summary>
    /// <exception cref="TaskContractException">One of them is not such a value.</exception>
    public async Task<IReadOnlyDictionary<string, T>> SelectAsync<T>(string tag, CancellationToken cancellationToken)
    {
        var values = new SortedDictionary<string, T>(StringComparer.Ordinal);
        foreach (var result in Select(tag))
            values[result.Node] = await result.GetAsync<T>(cancellationToken);
        return values;
    }
}

/// <summary>One node's result.</summary>
public sealed class Result
{
    private readonly AttemptStore store;
    private readonly int index;

    internal Result(AttemptStore store, int index, string node, string tag, long? samples)
    {
        this.store = store;
        this.index = index;
        Node = node;
        Tag = tag;
        Samples = samples;
    }

    /// <summary>Who made it.</summary>
    public string Node { get; }

    /// <summary>Its tag.</summary>
    public string Tag { get; }

    /// <summary>The round that its attempt began in: an earlier one where its task is asynchronous and it is late.</summary>
    public int Round { get; internal init; }

    /// <summary>The tag of the global, as it was in <see cref="Round"/>, from which weights are a difference; null for weights themselves.</summary>
    public string? DifferenceFrom { get; internal init; }

    /// <summary>The samples behind weights; null for JSON values.</summary>
    public long? Samples { get; }

    /// <summary>Reads a JSON value.</summary>
    /// <exception cref="TaskContractException">It is not such a value.</exception>
    public Task<T> GetAsync<T>(CancellationToken cancellationToken) =>
        store.ReadResultJsonAsync(index, json => TaskJson.Read<T>(json, $"result '{Tag}' of {Node}"), cancellationToken);

    /// <summary>Pulls and reads weights; dispose them when done.</summary>
    /// <exception cref="BlobUnavailableException">Its producer cannot be reached or what came does not match its hash.</exception>
    /// <exception cref="MalformedDataException">The blob is not weights.</exception>
    public Task<NamedArrays> GetWeightsAsync(CancellationToken cancellationToken) => store.ReadResultWeightsAsync(index, cancellationToken);

    /// <summary>Whether weights are on this node already: opening them then neither waits nor takes memory to speak of.</summary>
    public bool IsHere => store.HasResultWeights(index);

    /// <summary>
    /// Pulls weights, to be read piece by piece where they lie; what comes packed is unpacked in memory. For one contribution after the other: of many at
    /// once see <see cref="OpenWeightsBesideOthersAsync"/>. Dispose the result when done.
    /// </summary>
    /// <exception cref="BlobUnavailableException">Its producer cannot be reached or what came does not match its hash.</exception>
    /// <exception cref="MalformedDataException">The blob is not weights.</exception>
    public Task<WeightsSource> OpenWeightsAsync(CancellationToken cancellationToken) => store.OpenResultWeightsAsync(index, cancellationToken);

    /// <summary>
    /// Pulls weights that are read together with those of many others, a block of each at a time, as order statistics do: none of them is held in memory. What
    /// comes packed is unpacked into a file of the node's folder, one array after the other; it is gone when the result is disposed. (What several are packed
    /// differences from is held once, where it is packed itself.)
    /// </summary>
    /// <inheritdoc cref="OpenWeightsAsync"/>
    /// <exception cref="IOException">The disk has no room for what is unpacked.</exception>
    public Task<WeightsSource> OpenWeightsBesideOthersAsync(CancellationToken cancellationToken) => store.OpenResultWeightsBesideOthersAsync(index, cancellationToken);
}

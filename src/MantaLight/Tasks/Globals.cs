using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using MantaLight.Weights;

namespace MantaLight.Tasks;

/// <summary>Swarm-wide named values. Reads see what was committed when the attempt was scheduled, never half of a round.</summary>
public sealed class Globals
{
    private readonly AttemptStore store;

    internal Globals(AttemptStore store) => this.store = store;

    /// <summary>The tags that there are, in ordinal order.</summary>
    public IReadOnlyCollection<string> Tags => store.GlobalTags;

    /// <summary>Whether a value of that tag is committed.</summary>
    public bool Contains(string tag) => store.GlobalTags.Contains(tag);

    /// <summary>Reads a JSON value (snake_case keys).</summary>
    /// <exception cref="TaskContractException">There is none of that tag (the message lists those there are), or it is not such a value.</exception>
    public Task<T> GetAsync<T>(string tag, CancellationToken cancellationToken) =>
        store.ReadGlobalJsonAsync(tag, json => TaskJson.Read<T>(json, $"global '{tag}'"), cancellationToken);

    /// <summary>Reads a JSON value as it is.</summary>
    /// <exception cref="TaskContractException">There is none of that tag, or it holds weights.</exception>
    public Task<JsonElement> GetJsonAsync(string tag, CancellationToken cancellationToken) =>
        store.ReadGlobalJsonAsync(tag, json => json, cancellationToken);

    /// <summary>Reads weights; dispose them when done.</summary>
    /// <exception cref="TaskContractException">There is none of that tag, or it holds no weights.</exception>
    /// <exception cref="BlobUnavailableException">The broker does not have its chunks.</exception>
    public Task<NamedArrays> GetWeightsAsync(string tag, CancellationToken cancellationToken) =>
        store.ReadGlobalWeightsAsync(tag, cancellationToken);

    /// <summary>Sets a JSON value (at most 16 MiB), to be committed with the attempt.</summary>
    public void Set<T>(string tag, T value) => store.StageGlobal(tag, TaskJson.Write(value));

    /// <summary>
    /// Sets weights, to be committed with the attempt. They are written out before the call returns, so the memory
    /// behind them may change afterwards.
    /// </summary>
    public void SetWeights(string tag, NamedArrays weights) => store.StageGlobal(tag, weights);
}

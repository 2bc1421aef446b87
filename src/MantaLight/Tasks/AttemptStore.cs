using System.Text.Json;
using MantaLight.Weights;
using MantaLight.Weights.Sources;

namespace MantaLight.Tasks;

/// <summary>Where an attempt's reads come from and its effects go to: the node's runtime, or memory in tests.</summary>
internal abstract class AttemptStore
{
    public abstract IReadOnlyCollection<string> GlobalTags { get; }

    public abstract Task<T> ReadGlobalJsonAsync<T>(string tag, Func<JsonElement, T> read, CancellationToken cancellationToken);

    public abstract Task<NamedArrays> ReadGlobalWeightsAsync(string tag, CancellationToken cancellationToken);

    public abstract IReadOnlyList<Result> SelectResults(string tag);

    public abstract Task<T> ReadResultJsonAsync<T>(int index, Func<JsonElement, T> read, CancellationToken cancellationToken);

    public abstract Task<NamedArrays> ReadResultWeightsAsync(int index, CancellationToken cancellationToken);

    /// <summary>Weights to be read piece by piece.</summary>
    public virtual async Task<WeightsSource> OpenResultWeightsAsync(int index, CancellationToken cancellationToken) =>
        WeightsSource.Of(await ReadResultWeightsAsync(index, cancellationToken));

    /// <summary>The same, of weights that are open together with those of many others: they may take no more memory than what is being read of them.</summary>
    public virtual Task<WeightsSource> OpenResultWeightsBesideOthersAsync(int index, CancellationToken cancellationToken) => OpenResultWeightsAsync(index, cancellationToken);

    /// <summary>Whether weights are here, so that opening them neither waits nor takes memory.</summary>
    public virtual bool HasResultWeights(int index) => false;

    public abstract void StageGlobal(string tag, JsonElement value);

    public abstract void StageGlobal(string tag, NamedArrays weights);

    public abstract void StageResult(string tag, JsonElement value);

    public abstract void StageResult(string tag, NamedArrays weights, long samples);
}

using System.Text.Json;
using MantaLight.Weights;

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

    public abstract void StageGlobal(string tag, JsonElement value);

    public abstract void StageGlobal(string tag, NamedArrays weights);

    public abstract void StageResult(string tag, JsonElement value);

    public abstract void StageResult(string tag, NamedArrays weights, long samples);
}

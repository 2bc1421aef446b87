using System.Text.Json;
using MantaLight.Weights;

namespace MantaLight.Tasks;

/// <summary>
/// What this node keeps for itself from round to round of a swarm's run: never sent, there again when the node was restarted, gone with the run. It counts with the attempt:
/// what an attempt sets is in force when its record counted in a round that was committed, and until then whatever was before; an attempt that is repeated reads what it read.
/// </summary>
/// <remarks>
/// A name belongs to the task that has set it first: another task reads it, and sees what the round's own attempt has set where it comes after that task in the graph. Who reads what it has just set
/// itself gets what was before. At most <see cref="MaximumNames"/> names, and <see cref="MaximumBytes"/> bytes under each.
/// </remarks>
public sealed class LocalState
{
    /// <summary>The most names in a run.</summary>
    public const int MaximumNames = 64;

    /// <summary>The most bytes under a name.</summary>
    public const long MaximumBytes = 4L << 30;

    // No tensor of a model is called so.
    private const string Json = ".json";

    private readonly IStateStore? store;

    internal LocalState(IStateStore? store) => this.store = store;

    private IStateStore Store => store ?? throw new InvalidOperationException("Nothing is kept for this attempt.");

    /// <summary>Weights; dispose them when done.</summary>
    /// <param name="name">1 to 64 characters of <c>A-Za-z0-9_-</c>.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>Null where none are kept.</returns>
    /// <exception cref="TaskContractException">A JSON value is kept under that name.</exception>
    public async Task<NamedArrays?> GetWeightsAsync(string name, CancellationToken cancellationToken)
    {
        var kept = await Store.ReadAsync(name, cancellationToken);
        if (kept is null || !IsJson(kept))
            return kept;
        kept.Dispose();
        throw new TaskContractException($"This node keeps a JSON value as '{name}', not weights.");
    }

    /// <summary>A JSON value (snake_case keys).</summary>
    /// <param name="name">1 to 64 characters of <c>A-Za-z0-9_-</c>.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>Null where none is kept.</returns>
    /// <exception cref="TaskContractException">Weights are kept under that name, or it is not such a value.</exception>
    public async Task<T?> GetAsync<T>(string name, CancellationToken cancellationToken)
        where T : class
    {
        using var kept = await Store.ReadAsync(name, cancellationToken);
        if (kept is null)
            return null;
        return IsJson(kept)
            ? TaskJson.Read<T>(JsonElement.Parse(kept[0].Data.Span), $"value '{name}' that this node keeps")
            : throw new TaskContractException($"This node keeps weights as '{name}', not a JSON value.");
    }

    /// <summary>Keeps weights, in place of what was there. They are written out before the call returns, so the memory behind them may change afterwards.</summary>
    /// <param name="name">1 to 64 characters of <c>A-Za-z0-9_-</c>.</param>
    /// <param name="weights">The weights.</param>
    /// <exception cref="TaskContractException">Another task keeps something under that name, it is no name, or it would be too much.</exception>
    /// <exception cref="IOException">The disk is full.</exception>
    public void SetWeights(string name, NamedArrays weights)
    {
        if (weights.TotalBytes > MaximumBytes)
            throw new TaskContractException($"'{name}' has {weights.TotalBytes} bytes, where a node keeps {MaximumBytes} at most under a name.");
        Store.Write(name, weights);
    }

    /// <summary>Keeps a JSON value, in place of what was there.</summary>
    /// <param name="name">1 to 64 characters of <c>A-Za-z0-9_-</c>.</param>
    /// <param name="value">Anything that serializes to JSON.</param>
    /// <exception cref="TaskContractException">Another task keeps something under that name, it is no name, or it would be too much.</exception>
    /// <exception cref="IOException">The disk is full.</exception>
    public void Set<T>(string name, T value)
    {
        var bytes = JsonSerializer.SerializeToUtf8Bytes(TaskJson.Write(value), TaskJson.Options);
        using var array = new NamedArrays([new NamedArray(Json, ArrayType.UInt8, [bytes.Length], bytes)]);
        SetWeights(name, array);
    }

    private static bool IsJson(NamedArrays kept) => kept is [{ Name: Json, Type: ArrayType.UInt8 }];
}

/// <summary>Where an attempt's <see cref="LocalState"/> is kept: the node's disk, or memory.</summary>
internal interface IStateStore
{
    /// <summary>What was in force before this attempt; null for nothing.</summary>
    Task<NamedArrays?> ReadAsync(string name, CancellationToken cancellationToken);

    /// <summary>Keeps a copy, which is in force when the attempt counted.</summary>
    void Write(string name, NamedArrays value);
}

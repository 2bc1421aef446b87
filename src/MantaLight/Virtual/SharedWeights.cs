using MantaLight.Protocol;
using MantaLight.Weights;

namespace MantaLight.Virtual;

/// <summary>A copy of weights that is lent to readers; its memory goes back when it is shared no more and the last reader has done.</summary>
internal sealed class SharedWeights
{
    private readonly NamedArray[] arrays;
    private readonly byte[] memory;
    private readonly Action<byte[]> giveBack;

    // The sharing itself, and each reader.
    private int holders = 1;

    /// <param name="weights">Copied.</param>
    /// <param name="memory">As long as they are.</param>
    /// <param name="owner">The round and the task of a result; null for a global.</param>
    /// <param name="giveBack">Takes the memory at the end.</param>
    public SharedWeights(NamedArrays weights, byte[] memory, ResultOwner? owner, Action<byte[]> giveBack)
    {
        (this.memory, this.giveBack, Owner) = (memory, giveBack, owner);
        arrays = new NamedArray[weights.Count];
        var at = 0;
        for (var i = 0; i < arrays.Length; i++)
        {
            var array = weights[i];
            array.Data.CopyTo(memory.AsMemory(at));
            arrays[i] = new NamedArray(array.Name, array.Type, array.Shape, memory.AsMemory(at, array.Data.Length));
            at += array.Data.Length;
        }
    }

    /// <summary>Whose result it is; null for a global.</summary>
    public ResultOwner? Owner { get; }

    /// <summary>The weights, for a reader; null where their memory has gone back.</summary>
    public NamedArrays? TryLend()
    {
        int before;
        do
        {
            before = Volatile.Read(ref holders);
            if (before == 0)
                return null;
        }
        while (Interlocked.CompareExchange(ref holders, before + 1, before) != before);
        return new NamedArrays(arrays, new Lease(this));
    }

    /// <summary>One holder less.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref holders) == 0)
            giveBack(memory);
    }

    private sealed class Lease(SharedWeights of) : IDisposable
    {
        public void Dispose() => of.Release();
    }
}

/// <summary>Whose result something is.</summary>
/// <param name="Round">The round in which its attempt began.</param>
/// <param name="Alias">Its task.</param>
/// <param name="Node">Its node, where the task has no barrier, so that its result may count in a later round; else null.</param>
internal sealed record ResultOwner(int Round, string Alias, string? Node)
{
    /// <summary>Whether nobody reads it any more.</summary>
    /// <param name="state">The state.</param>
    /// <param name="read">The tasks of the round whose results have been read by all that come after them.</param>
    public bool IsDone(SwarmState state, IReadOnlySet<string> read)
    {
        if (Node is null)
            return Round < state.Round || read.Contains(Alias);
        if (state.Tasks.FirstOrDefault(t => t.Alias == Alias) is not { } task || task.HasInFlight(Node, Round))
            return false;
        return task.HasCounted(Node, Round) ? read.Contains(Alias) : Round < state.Round;
    }
}

using System.Collections.Immutable;
using MantaLight.Concurrency;
using MantaLight.Weights;
using MantaLight.Weights.Sources;

namespace MantaLight.Aggregation.Blocks;

/// <summary>
/// Reads all contributions once, a block of each at a time: memory beside the result is that of some blocks, however many contribute and however
/// large the model. Every element is combined for itself, so that neither the number of threads nor the size of a block shows in the result.
/// </summary>
internal sealed class BlockPass
{
    /// <summary>Elements of a block where contributions are in memory: sums and the contributions of one pass stay in the processor's nearest caches.</summary>
    public const int InMemory = 4096;

    /// <summary>Elements of a block of files: each is a call to the system.</summary>
    public const int InFiles = 16384;

    /// <summary>Blocks that a thread takes at a time: enough that taking them costs nothing, few enough that all threads end together.</summary>
    private const int Batch = 4;

    private readonly WeightsSource[] sources;
    private readonly IBlockRule rule;
    private readonly BlockGrid grid;
    private readonly AlignedMemory[] results;
    private long next;
    private volatile bool hasFailed;

    private BlockPass(WeightsSource[] sources, IBlockRule rule, BlockGrid grid, AlignedMemory[] results) =>
        (this.sources, this.rule, this.grid, this.results) = (sources, rule, grid, results);

    /// <summary>Combines contributions of one layout.</summary>
    /// <param name="sources">At least one, all of the same names, types and shapes.</param>
    /// <param name="rule">What to do with the values of an element.</param>
    /// <param name="threads">How many threads read; at least 1.</param>
    /// <param name="cancellationToken">Looked at before each batch of blocks.</param>
    /// <returns>The result, to be disposed; null where the rule could not combine some value.</returns>
    /// <exception cref="MalformedDataException">A contribution cannot be read to its end.</exception>
    public static NamedArrays? Run(IReadOnlyList<WeightsSource> sources, IBlockRule rule, int threads, CancellationToken cancellationToken) =>
        Run(sources, rule, sources.Any(s => s is WeightsFile) ? InFiles : InMemory, threads, cancellationToken);

    /// <inheritdoc cref="Run(IReadOnlyList{WeightsSource}, IBlockRule, int, CancellationToken)"/>
    /// <param name="sources">At least one, all of the same names, types and shapes.</param>
    /// <param name="rule">What to do with the values of an element.</param>
    /// <param name="elements">The most elements of a block.</param>
    /// <param name="threads">How many threads read; at least 1.</param>
    /// <param name="cancellationToken">Looked at before each batch of blocks.</param>
    public static NamedArrays? Run(IReadOnlyList<WeightsSource> sources, IBlockRule rule, int elements, int threads, CancellationToken cancellationToken)
    {
        var layout = sources[0].Layout;
        var grid = new BlockGrid(layout, elements);
        var memory = new Owned(layout.Length);
        try
        {
            foreach (var header in layout)
                memory.Add(header.Length);
            var pass = new BlockPass([.. sources], rule, grid, [.. memory.All]);
            Workers.Run((int)Math.Clamp((grid.Count + Batch - 1) / Batch, 1, threads), _ => pass.Work(cancellationToken));
            if (!pass.hasFailed)
                return new NamedArrays([.. layout.Select((a, i) => new NamedArray(a.Name, a.Type, a.Shape.AsSpan(), memory.All[i].First((int)a.Length)))], memory);
        }
        catch
        {
            memory.Dispose();
            throw;
        }
        memory.Dispose();
        return null;
    }

    private void Work(CancellationToken cancellationToken)
    {
        var scratch = rule.CreateScratch(sources.Length, grid.Elements);
        while (!hasFailed && Interlocked.Add(ref next, Batch) - Batch is var first && first < grid.Count)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var end = Math.Min(first + Batch, grid.Count);
            for (var (number, place) = (first, grid[first]); number < end && !hasFailed; number++)
            {
                var following = number + 1 < end ? grid[number + 1] : default;
                if (!rule.TryCombine(new Block(sources, place, following), results[place.Array].GetSpan().Slice((int)place.Offset, place.Length), scratch))
                    hasFailed = true;
                place = following;
            }
        }
    }

    /// <summary>The memory of the result.</summary>
    private sealed class Owned(int count) : IDisposable
    {
        public List<AlignedMemory> All { get; } = new(count);

        public void Add(long length) => All.Add(new AlignedMemory(length));

        public void Dispose() => All.ForEach(m => ((IDisposable)m).Dispose());
    }
}

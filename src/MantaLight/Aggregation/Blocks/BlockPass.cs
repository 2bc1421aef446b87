using MantaLight.Weights;

namespace MantaLight.Aggregation.Blocks;

/// <summary>
/// Reads all contributions once, a block of each at a time: memory beside the result is that of some blocks, however many contribute and however
/// large the model. Every element is combined for itself, so that neither the number of threads nor the size of a block shows in the result.
/// </summary>
internal static class BlockPass
{
    /// <summary>Elements of a block: a mean's sums stay in the processor's first cache.</summary>
    public const int Elements = 2048;

    /// <summary>Blocks that a thread takes at a time: enough that taking them costs nothing, few enough that all threads end together.</summary>
    private const int Batch = 8;

    /// <summary>Combines contributions of one layout.</summary>
    /// <param name="contributions">At least one, all of the same names, types and shapes.</param>
    /// <param name="rule">What to do with the values of an element.</param>
    /// <param name="threads">How many threads read; at least 1.</param>
    /// <param name="cancellationToken">Looked at before each batch of blocks.</param>
    /// <returns>The result; null where the rule could not combine some value.</returns>
    public static NamedArrays? Run(IReadOnlyList<NamedArrays> contributions, IBlockRule rule, int threads, CancellationToken cancellationToken)
    {
        var layout = contributions[0];
        var columns = new NamedArray[layout.Count][];
        var results = new byte[layout.Count][];
        for (var i = 0; i < layout.Count; i++)
        {
            columns[i] = new NamedArray[contributions.Count];
            for (var j = 0; j < contributions.Count; j++)
                columns[i][j] = contributions[j][i];
            results[i] = GC.AllocateUninitializedArray<byte>(layout[i].Data.Length);
        }
        var pass = new Pass(columns, results, rule, contributions.Count);
        if (!pass.Run(threads, cancellationToken))
            return null;
        return new NamedArrays(layout.Select((array, i) => new NamedArray(array.Name, array.Type, array.Shape, results[i])));
    }

    private sealed class Pass
    {
        private readonly NamedArray[][] columns;
        private readonly byte[][] results;
        private readonly IBlockRule rule;
        private readonly int contributions;

        // Where each array's blocks begin in the count of all.
        private readonly long[] begins;
        private readonly long blocks;
        private long next;
        private volatile bool hasFailed;

        public Pass(NamedArray[][] columns, byte[][] results, IBlockRule rule, int contributions)
        {
            (this.columns, this.results, this.rule, this.contributions) = (columns, results, rule, contributions);
            begins = new long[columns.Length];
            for (var i = 0; i < columns.Length; i++)
            {
                begins[i] = blocks;
                blocks += (columns[i][0].Count + Elements - 1) / Elements;
            }
        }

        public bool Run(int threads, CancellationToken cancellationToken)
        {
            var workers = (int)Math.Clamp((blocks + Batch - 1) / Batch, 1, threads);
            if (workers == 1)
                Work(cancellationToken);
            else
                Parallel.For(0, workers, new ParallelOptions { MaxDegreeOfParallelism = workers, CancellationToken = cancellationToken }, _ => Work(cancellationToken));
            return !hasFailed;
        }

        private void Work(CancellationToken cancellationToken)
        {
            var scratch = rule.CreateScratch(contributions);
            while (!hasFailed && Interlocked.Add(ref next, Batch) - Batch is var first && first < blocks)
            {
                cancellationToken.ThrowIfCancellationRequested();
                for (var block = first; block < Math.Min(first + Batch, blocks) && !hasFailed; block++)
                {
                    if (!TryCombine(block, scratch))
                        hasFailed = true;
                }
            }
        }

        private bool TryCombine(long number, object scratch)
        {
            var found = Array.BinarySearch(begins, number);
            // Of arrays without elements, which share their beginning with the next one, the last is meant.
            var array = found >= 0 ? found : ~found - 1;
            while (array + 1 < begins.Length && begins[array + 1] == number)
                array++;
            var column = columns[array];
            var start = (int)(number - begins[array]) * Elements;
            var count = (int)Math.Min(Elements, column[0].Count - start);
            var size = column[0].Type.SizeInBytes();
            return rule.TryCombine(new Block(column, start, count), results[array].AsSpan(start * size, count * size), scratch);
        }
    }
}

using System.Runtime.Intrinsics;
using MantaLight.Aggregation.Blocks;
using MantaLight.Concurrency;
using MantaLight.Weights;
using MantaLight.Weights.Sources;

namespace MantaLight.Aggregation.Rules;

/// <summary>
/// Distances between whole models, in one reading of them: all arrays are one vector. Integers and booleans are left out: a counter is no direction to go.
/// The sums have one order whatever the number of threads, so that the bits are the same everywhere.
/// </summary>
internal static class Geometry
{
    private const int Elements = 4096;

    /// <summary>‖a - b‖² of each pair.</summary>
    /// <param name="sources">Of one layout.</param>
    /// <param name="pairs">Two places among them each.</param>
    /// <param name="threads">The most threads.</param>
    /// <param name="cancellationToken">Looked at before each block.</param>
    public static double[] SquaredDistances(IReadOnlyList<WeightsSource> sources, IReadOnlyList<(int A, int B)> pairs, int threads, CancellationToken cancellationToken)
    {
        var grid = new BlockGrid(sources[0].Layout, Elements);
        var squares = new double[pairs.Count];
        var workers = (int)Math.Clamp(Math.Min(pairs.Count, Workers.For(sources[0].Layout.Sum(a => a.Length) * sources.Count)), 1, threads);
        // A worker has pairs of its own, and goes over all blocks for them.
        Workers.Run(workers, worker =>
        {
            var (begin, end) = (pairs.Count * worker / workers, pairs.Count * (worker + 1) / workers);
            var wanted = pairs.Skip(begin).Take(end - begin).SelectMany(p => new[] { p.A, p.B }).Distinct().ToArray();
            var (values, bytes) = (new double[sources.Count][], new byte[Elements * sizeof(double)]);
            foreach (var place in wanted)
                values[place] = new double[Elements];
            for (var number = 0L; number < grid.Count; number++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                var block = grid[number];
                if (!block.Type.IsFloat())
                    continue;
                foreach (var place in wanted)
                    Rules.Elements.Widen(block.Type, sources[place].Read(block.Array, block.Offset, bytes.AsSpan(0, block.Length)), values[place]);
                for (var i = begin; i < end; i++)
                    squares[i] += SumOfSquares(values[pairs[i].A].AsSpan(0, block.Count), values[pairs[i].B].AsSpan(0, block.Count));
            }
        });
        return squares;
    }

    /// <summary>‖a - b‖ of each model and one other.</summary>
    public static double[] DistancesTo(WeightsSource other, IReadOnlyList<WeightsSource> sources, int threads, CancellationToken cancellationToken) => Array.ConvertAll(
        SquaredDistances([.. sources, other], [.. Enumerable.Range(0, sources.Count).Select(i => (i, sources.Count))], threads, cancellationToken), Math.Sqrt);

    /// <summary>‖a - b‖² of each two models; 0 of a model and itself.</summary>
    public static double[,] SquaredDistances(IReadOnlyList<WeightsSource> sources, int threads, CancellationToken cancellationToken)
    {
        var pairs = Enumerable.Range(0, sources.Count).SelectMany(a => Enumerable.Range(a + 1, sources.Count - a - 1).Select(b => (a, b))).ToArray();
        var squares = SquaredDistances(sources, pairs, threads, cancellationToken);
        var all = new double[sources.Count, sources.Count];
        for (var i = 0; i < pairs.Length; i++)
            all[pairs[i].a, pairs[i].b] = all[pairs[i].b, pairs[i].a] = squares[i];
        return all;
    }

    // Four sums whatever the processor has, multiplied and added apart.
    private static double SumOfSquares(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        var sums = Vector256<double>.Zero;
        var i = 0;
        for (; i <= a.Length - Vector256<double>.Count; i += Vector256<double>.Count)
        {
            var difference = Vector256.Create(a[i..]) - Vector256.Create(b[i..]);
            sums += difference * difference;
        }
        var sum = sums[0] + sums[1] + (sums[2] + sums[3]);
        for (; i < a.Length; i++)
            sum += (a[i] - b[i]) * (a[i] - b[i]);
        return sum;
    }
}

using System.Numerics;

namespace MantaLight.SecureAggregation;

/// <summary>
/// Who shares and masks with whom: everybody with everybody, or a circulant graph (Harary's) over a random order of the nodes, in which each has its k/2 nearest on either side (Bell et al. 2020, "Secure
/// Single-Server Aggregation with (Poly)Logarithmic Overhead", Algorithm 1). The order comes from a seed that all of them know.
/// </summary>
internal sealed class NeighbourGraph
{
    private readonly int[] order;
    private readonly int[] places;

    /// <param name="nodes">How many, at least 1.</param>
    /// <param name="neighbours">k, even; as many as there are others, or more, for all.</param>
    /// <param name="seed">32 bytes.</param>
    public NeighbourGraph(int nodes, int neighbours, ReadOnlySpan<byte> seed)
    {
        Count = nodes;
        IsComplete = neighbours >= nodes - 1;
        Reach = IsComplete ? nodes - 1 : neighbours / 2;
        order = [.. Enumerable.Range(0, nodes)];
        places = new int[nodes];
        if (!IsComplete)
            Shuffle(order, seed);
        for (var place = 0; place < nodes; place++)
            places[order[place]] = place;
    }

    /// <summary>How many nodes.</summary>
    public int Count { get; }

    /// <summary>Whether everybody is everybody's neighbour.</summary>
    public bool IsComplete { get; }

    /// <summary>How many on either side; of a complete graph, how many there are.</summary>
    private int Reach { get; }

    /// <summary>A node and its neighbours, in ascending order: those who hold shares of its secrets.</summary>
    public int[] HoldersOf(int node)
    {
        if (IsComplete)
            return order;
        var holders = new int[(2 * Reach) + 1];
        for (var step = -Reach; step <= Reach; step++)
            holders[step + Reach] = order[(places[node] + step + Count) % Count];
        Array.Sort(holders);
        return holders;
    }

    // Fisher and Yates. The modulus favours a place by less than 2^-40.
    private static void Shuffle(int[] order, ReadOnlySpan<byte> seed)
    {
        var draws = new byte[order.Length * sizeof(ulong)];
        using (var stream = new MaskStream(seed, draws.Length))
            stream.Apply(draws, 64, isNegative: false);
        for (var i = order.Length - 1; i > 0; i--)
        {
            var other = (int)(BitConverter.ToUInt64(draws, i * sizeof(ulong)) % (ulong)(i + 1));
            (order[i], order[other]) = (order[other], order[i]);
        }
    }
}

/// <summary>
/// How many neighbours are enough (the conditions of Bell et al. 2020, 3.2, worked out exactly and by a union bound over all nodes): with a fifth of the nodes corrupt and a tenth lost, but for a
/// probability of 2^-40 no node's secret is in the hands of corrupt nodes alone and those who are left hang together, and but for one of 2^-20 enough are left of each node's holders.
/// </summary>
internal static class NeighbourCount
{
    private const int Corrupt = 5;
    private const int Lost = 10;
    private const int SecrecyBits = 40;
    private const int LivenessBits = 20;

    /// <summary>The smallest such even number; as many as there are others, or more, where none is.</summary>
    public static int For(int nodes, Func<int, int> threshold)
    {
        // Below it nothing is saved.
        for (var k = 16; k < nodes - 1; k += 2)
        {
            if (HangsTogether(nodes, k) && IsRare(nodes, nodes / Corrupt, k, threshold(k + 1) - 1, SecrecyBits) && IsRare(nodes, nodes / Lost, k, k + 1 - threshold(k + 1), LivenessBits))
                return k;
        }
        return nodes;
    }

    // Two gaps of k/2 that nobody is left in; the probability of one bounds it.
    private static bool HangsTogether(int nodes, int k)
    {
        var gone = (nodes / Corrupt) + (nodes / Lost);
        var (all, gap) = (BigInteger.One, BigInteger.One);
        for (var i = 0; i < k / 2; i++)
            (all, gap) = (all * (nodes - i), gap * Math.Max(0, gone - i));
        return (gap * nodes) << SecrecyBits <= all;
    }

    /// <summary>Whether nodes · P[at least <paramref name="least"/> of k, drawn of the others, are among the marked] ≤ 2^-bits (hypergeometric).</summary>
    private static bool IsRare(int nodes, int marked, int k, int least, int bits)
    {
        var others = nodes - 1;
        var tail = BigInteger.Zero;
        for (var i = least; i <= Math.Min(k, marked); i++)
            tail += Choose(marked, i) * Choose(others - marked, k - i);
        return (tail * nodes) << bits <= Choose(others, k);
    }

    private static BigInteger Choose(int n, int k)
    {
        if (k < 0 || k > n)
            return BigInteger.Zero;
        var result = BigInteger.One;
        for (var i = 1; i <= k; i++)
            result = result * (n - k + i) / i;
        return result;
    }
}

using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace MantaLight.Aggregation;

/// <summary>
/// Weighted sums of float32 in float64, as fast as memory gives them. Every element takes the same steps in the same order whatever the vector's
/// width: widening is exact, and multiplication and addition are two instructions, which the JIT fuses only where code asks for it.
/// </summary>
internal static unsafe class SingleSums
{
    /// <summary>How many contributions are added in one pass over the sums, at best.</summary>
    public const int AtOnce = 4;

    /// <summary>How far ahead memory is asked for where elements come one after the other, in elements.</summary>
    private const int Ahead = 512;

    private const uint Exponent = 0x7F80_0000;

    /// <summary>Adds each value times a weight; false where a value is not finite: the sums are spoilt then.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static bool TryAdd(ReadOnlySpan<float> values, double weight, Span<double> sums)
    {
        var count = values.Length;
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, sums.Length);
        var weights = new Vector<double>(weight);
        var exponent = new Vector<uint>(Exponent);
        var largest = Vector<uint>.Zero;
        var isFine = true;
        fixed (float* from = values)
        fixed (double* to = sums)
        {
            var i = 0;
            for (; i <= count - Vector<float>.Count; i += Vector<float>.Count)
            {
                Prefetch(from + i + Ahead);
                Prefetch(to + i + Ahead);
                var loaded = Vector.Load(from + i);
                largest = Vector.Max(largest, Vector.AsVectorUInt32(loaded) & exponent);
                Vector.Widen(loaded, out var low, out var high);
                (Vector.Load(to + i) + (low * weights)).Store(to + i);
                (Vector.Load(to + i + Vector<double>.Count) + (high * weights)).Store(to + i + Vector<double>.Count);
            }
            for (; i < count; i++)
            {
                isFine &= float.IsFinite(from[i]);
                to[i] += from[i] * weight;
            }
        }
        return isFine && !Vector.EqualsAny(largest, exponent);
    }

    /// <summary>Adds the values of four contributions, one after the other for each element, and asks for the memory of those that are next.</summary>
    /// <param name="values">Four times as many values as there are sums.</param>
    /// <param name="next">What will be added after them, as long as they are; or nothing.</param>
    /// <param name="weights">Four.</param>
    /// <param name="sums">The sums; not finite afterwards where a value was not.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // a profile of its first calls makes it three times as slow
    public static void AddFour(in Four values, in Four next, ReadOnlySpan<double> weights, Span<double> sums)
    {
        var count = sums.Length;
        var (first, second) = (new Vector<double>(weights[0]), new Vector<double>(weights[1]));
        var (third, fourth) = (new Vector<double>(weights[2]), new Vector<double>(weights[3]));
        fixed (float* a = values.A, b = values.B, c = values.C, d = values.D, nextA = next.A, nextB = next.B, nextC = next.C, nextD = next.D)
        fixed (double* to = sums)
        {
            var i = 0;
            for (; i <= count - Vector<float>.Count; i += Vector<float>.Count)
            {
                if (i % (64 / sizeof(float)) == 0 && nextA != null)
                {
                    Prefetch(nextA + i);
                    Prefetch(nextB + i);
                    Prefetch(nextC + i);
                    Prefetch(nextD + i);
                }
                var (low, high) = (Vector.Load(to + i), Vector.Load(to + i + Vector<double>.Count));
                Add(a + i, first, ref low, ref high);
                Add(b + i, second, ref low, ref high);
                Add(c + i, third, ref low, ref high);
                Add(d + i, fourth, ref low, ref high);
                low.Store(to + i);
                high.Store(to + i + Vector<double>.Count);
            }
            for (; i < count; i++)
                to[i] = to[i] + (a[i] * weights[0]) + (b[i] * weights[1]) + (c[i] * weights[2]) + (d[i] * weights[3]);
        }
    }

    /// <summary>Writes the means; they may begin where the sums begin, since none is written before the sums in its place are read.</summary>
    public static void WriteMeans(ReadOnlySpan<double> sums, Span<float> means, double total)
    {
        var totals = new Vector<double>(total);
        var i = 0;
        for (; i <= means.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            var low = new Vector<double>(sums[i..]) / totals;
            var high = new Vector<double>(sums[(i + Vector<double>.Count)..]) / totals;
            Vector.Narrow(low, high).CopyTo(means[i..]);
        }
        for (; i < means.Length; i++)
            means[i] = (float)(sums[i] / total);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(float* from, Vector<double> weight, ref Vector<double> low, ref Vector<double> high)
    {
        Vector.Widen(Vector.Load(from), out var lower, out var upper);
        low += lower * weight;
        high += upper * weight;
    }

    // A hint, which is harmless where nothing is; on other processors none is needed, or none can be given.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Prefetch(void* address)
    {
        if (Sse.IsSupported)
            Sse.Prefetch0(address);
    }

    /// <summary>The same elements of four contributions.</summary>
    public readonly ref struct Four(ReadOnlySpan<float> a, ReadOnlySpan<float> b, ReadOnlySpan<float> c, ReadOnlySpan<float> d)
    {
        public readonly ReadOnlySpan<float> A = a;
        public readonly ReadOnlySpan<float> B = b;
        public readonly ReadOnlySpan<float> C = c;
        public readonly ReadOnlySpan<float> D = d;
    }
}

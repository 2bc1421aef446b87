using System.Numerics;
using System.Runtime.InteropServices;

namespace MantaLight.Weights.Packing;

/// <summary>Numbers with their like bytes together, all lowest ones first: a compressor finds far more in those than in numbers as they lie.</summary>
internal static class BytePlanes
{
    /// <summary>Sorts.</summary>
    /// <param name="numbers">Numbers of one width; a rest that is no whole number stays at the end.</param>
    /// <param name="planes">As long.</param>
    /// <param name="width">Bytes of a number.</param>
    public static void Split(ReadOnlySpan<byte> numbers, Span<byte> planes, int width)
    {
        var count = numbers.Length / width;
        var at = width switch
        {
            sizeof(ushort) => SplitPairs(numbers, planes, count),
            sizeof(uint) => SplitFours(numbers, planes, count),
            _ => 0,
        };
        for (; at < count; at++)
        {
            for (var plane = 0; plane < width; plane++)
                planes[(plane * count) + at] = numbers[(at * width) + plane];
        }
        numbers[(count * width)..].CopyTo(planes[(count * width)..]);
    }

    /// <summary>What <see cref="Split"/> was given.</summary>
    public static void Join(ReadOnlySpan<byte> planes, Span<byte> numbers, int width)
    {
        var count = numbers.Length / width;
        var at = width switch
        {
            sizeof(ushort) => JoinPairs(planes, numbers, count),
            sizeof(uint) => JoinFours(planes, numbers, count),
            _ => 0,
        };
        for (; at < count; at++)
        {
            for (var plane = 0; plane < width; plane++)
                numbers[(at * width) + plane] = planes[(plane * count) + at];
        }
        planes[(count * width)..].CopyTo(numbers[(count * width)..]);
    }

    private static int SplitPairs(ReadOnlySpan<byte> numbers, Span<byte> planes, int count)
    {
        var pairs = MemoryMarshal.Cast<byte, ushort>(numbers);
        var at = 0;
        for (; at <= count - Vector<byte>.Count; at += Vector<byte>.Count)
        {
            var (first, second) = (new Vector<ushort>(pairs[at..]), new Vector<ushort>(pairs[(at + Vector<ushort>.Count)..]));
            Vector.Narrow(first, second).CopyTo(planes[at..]);
            Vector.Narrow(Vector.ShiftRightLogical(first, 8), Vector.ShiftRightLogical(second, 8)).CopyTo(planes[(count + at)..]);
        }
        return at;
    }

    private static int SplitFours(ReadOnlySpan<byte> numbers, Span<byte> planes, int count)
    {
        var fours = MemoryMarshal.Cast<byte, uint>(numbers);
        var step = Vector<uint>.Count;
        var at = 0;
        for (; at <= count - Vector<byte>.Count; at += Vector<byte>.Count)
        {
            var (a, b) = (new Vector<uint>(fours[at..]), new Vector<uint>(fours[(at + step)..]));
            var (c, d) = (new Vector<uint>(fours[(at + (2 * step))..]), new Vector<uint>(fours[(at + (3 * step))..]));
            for (var plane = 0; plane < sizeof(uint); plane++)
            {
                Vector.Narrow(Vector.Narrow(a, b), Vector.Narrow(c, d)).CopyTo(planes[((plane * count) + at)..]);
                (a, b) = (Vector.ShiftRightLogical(a, 8), Vector.ShiftRightLogical(b, 8));
                (c, d) = (Vector.ShiftRightLogical(c, 8), Vector.ShiftRightLogical(d, 8));
            }
        }
        return at;
    }

    private static int JoinPairs(ReadOnlySpan<byte> planes, Span<byte> numbers, int count)
    {
        var pairs = MemoryMarshal.Cast<byte, ushort>(numbers);
        var at = 0;
        for (; at <= count - Vector<byte>.Count; at += Vector<byte>.Count)
        {
            Vector.Widen(new Vector<byte>(planes[at..]), out var lowFirst, out var lowSecond);
            Vector.Widen(new Vector<byte>(planes[(count + at)..]), out var highFirst, out var highSecond);
            (lowFirst | Vector.ShiftLeft(highFirst, 8)).CopyTo(pairs[at..]);
            (lowSecond | Vector.ShiftLeft(highSecond, 8)).CopyTo(pairs[(at + Vector<ushort>.Count)..]);
        }
        return at;
    }

    private static int JoinFours(ReadOnlySpan<byte> planes, Span<byte> numbers, int count)
    {
        var fours = MemoryMarshal.Cast<byte, uint>(numbers);
        var step = Vector<uint>.Count;
        var at = 0;
        for (; at <= count - Vector<byte>.Count; at += Vector<byte>.Count)
        {
            var (a, b, c, d) = (Vector<uint>.Zero, Vector<uint>.Zero, Vector<uint>.Zero, Vector<uint>.Zero);
            for (var plane = sizeof(uint) - 1; plane >= 0; plane--)
            {
                Vector.Widen(new Vector<byte>(planes[((plane * count) + at)..]), out var low, out var high);
                Vector.Widen(low, out var first, out var second);
                Vector.Widen(high, out var third, out var fourth);
                (a, b) = (Vector.ShiftLeft(a, 8) | first, Vector.ShiftLeft(b, 8) | second);
                (c, d) = (Vector.ShiftLeft(c, 8) | third, Vector.ShiftLeft(d, 8) | fourth);
            }
            a.CopyTo(fours[at..]);
            b.CopyTo(fours[(at + step)..]);
            c.CopyTo(fours[(at + (2 * step))..]);
            d.CopyTo(fours[(at + (3 * step))..]);
        }
        return at;
    }
}

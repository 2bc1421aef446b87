using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using MantaLight.Weights;

namespace MantaLight.SecureAggregation;

/// <summary>What is summed: the weight and the count of what was beyond the range, of 64 bits each, then the model's floats as numbers of the ring.</summary>
internal sealed class SecureVector
{
    /// <summary>The name of the array with the weight and the count.</summary>
    public const string Head = "secure.head";

    private readonly byte[] head = new byte[2 * sizeof(long)];
    private readonly List<(NamedArray Like, byte[] Numbers)> body = [];
    private readonly int bits;

    private SecureVector(int bits) => this.bits = bits;

    /// <summary>Of zeros, for a model.</summary>
    public static SecureVector Like(IEnumerable<NamedArray> model, int bits)
    {
        var vector = new SecureVector(bits);
        foreach (var array in model.Where(a => a.Type.IsFloat()))
            vector.body.Add((array, new byte[checked(array.Count * bits / 8)]));
        return vector;
    }

    /// <summary>All numbers, in their order.</summary>
    public IReadOnlyList<(Memory<byte> Numbers, int Bits)> Numbers => [(head, 64), .. body.Select(b => ((Memory<byte>)b.Numbers, bits))];

    /// <summary>The sum of the weights.</summary>
    public long Weight => MemoryMarshal.Cast<byte, long>(head)[0];

    /// <summary>How many elements were beyond the range.</summary>
    public long Beyond => MemoryMarshal.Cast<byte, long>(head)[1];

    public void SetHead(long weight, long beyond)
    {
        MemoryMarshal.Cast<byte, long>(head.AsSpan())[0] = weight;
        MemoryMarshal.Cast<byte, long>(head.AsSpan())[1] = beyond;
    }

    /// <summary>Each array of floats, that which it begins from, and its numbers.</summary>
    public IEnumerable<(NamedArray Array, NamedArray Before, Memory<byte> Numbers)> Body(NamedArrays weights, NamedArrays reference) =>
        weights.Zip(reference).Where(a => a.First.Type.IsFloat()).Zip(body, (a, numbers) => (a.First, a.Second, (Memory<byte>)numbers.Numbers));

    /// <summary>The numbers of an array.</summary>
    public ReadOnlyMemory<byte> this[int array] => body[array].Numbers;

    /// <summary>As it travels.</summary>
    public NamedArrays ToArrays() => new([
        new NamedArray(Head, ArrayType.Int64, [2], head),
        .. body.Select(b => new NamedArray(b.Like.Name, TypeOf(bits), b.Like.Shape, b.Numbers)),
    ]);

    /// <summary>Adds what has come; false, and nothing of it, where it is no such vector.</summary>
    public bool TryAdd(NamedArrays come)
    {
        using var own = ToArrays();
        if (own.DifferenceFrom(come) is not null)
            return false;
        Ring.Add(head, come[0].Data.Span, 64);
        for (var i = 0; i < body.Count; i++)
            Ring.Add(body[i].Numbers, come[i + 1].Data.Span, bits);
        return true;
    }

    private static ArrayType TypeOf(int bits) => bits switch { 16 => ArrayType.Int16, 32 => ArrayType.Int32, _ => ArrayType.Int64 };
}

/// <summary>Elements of floats as float64.</summary>
internal static class Floats
{
    public static void Widen(NamedArray array, int first, Span<double> values)
    {
        switch (array.Type)
        {
            case ArrayType.Float32:
                TensorPrimitives.ConvertTruncating(array.Span<float>().Slice(first, values.Length), values);
                break;
            case ArrayType.Float64:
                array.Span<double>().Slice(first, values.Length).CopyTo(values);
                break;
            case ArrayType.Float16:
                TensorPrimitives.ConvertTruncating(array.Span<Half>().Slice(first, values.Length), values);
                break;
            default:
                var brains = array.Span<ushort>().Slice(first, values.Length);
                for (var i = 0; i < values.Length; i++)
                    values[i] = BrainFloat.ToSingle(brains[i]);
                break;
        }
    }
}

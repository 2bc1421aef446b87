using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace MantaLight.Aggregation.Noise;

/// <summary>Of the system's cryptographic generator. Places mean nothing to it.</summary>
internal sealed class SecretNoise : NoiseSource
{
    private const int Pairs = 512;

    public override void FillBits(Span<ulong> bits, int array, long first) => RandomNumberGenerator.Fill(MemoryMarshal.AsBytes(bits));

    // Two of each two draws, and some hundred at a time: a model has many.
    public override void Fill(Span<double> values, int array, long first)
    {
        Span<ulong> bits = stackalloc ulong[2 * Pairs];
        Span<double> radii = stackalloc double[Pairs];
        Span<double> angles = stackalloc double[Pairs];
        Span<double> sines = stackalloc double[Pairs];
        while (values.Length > 0)
        {
            var count = Math.Min(Pairs, (values.Length + 1) / 2);
            FillBits(bits[..(2 * count)], array, first);
            for (var i = 0; i < count; i++)
                (radii[i], angles[i]) = (Unit(bits[2 * i]), 2 * Math.PI * Unit(bits[(2 * i) + 1]));
            var r = radii[..count];
            var a = angles[..count];
            var s = sines[..count];
            TensorPrimitives.Log<double>(r, r);
            TensorPrimitives.Multiply(r, -2, r);
            TensorPrimitives.Sqrt<double>(r, r);
            TensorPrimitives.Sin<double>(a, s);
            TensorPrimitives.Cos<double>(a, a);
            TensorPrimitives.Multiply<double>(r, a, values[..count]);
            var rest = values.Length - count < count ? values.Length - count : count;
            TensorPrimitives.Multiply<double>(r[..rest], s[..rest], values.Slice(count, rest));
            values = values[(count + rest)..];
        }
        CryptographicOperations.ZeroMemory(MemoryMarshal.AsBytes(bits));
        CryptographicOperations.ZeroMemory(MemoryMarshal.AsBytes(radii));
        CryptographicOperations.ZeroMemory(MemoryMarshal.AsBytes(angles));
        CryptographicOperations.ZeroMemory(MemoryMarshal.AsBytes(sines));
    }
}

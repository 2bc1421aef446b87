using System.Buffers.Binary;
using System.Security.Cryptography;

namespace MantaLight.Aggregation.Noise;

/// <summary>Standard normal numbers, one for each element of a model. Any number of threads may ask at once.</summary>
internal abstract class NoiseSource
{
    /// <summary>Fills with the numbers of some elements.</summary>
    /// <param name="values">As many as there are elements.</param>
    /// <param name="array">The array's place in the model.</param>
    /// <param name="first">The first element.</param>
    public abstract void Fill(Span<double> values, int array, int first);

    /// <summary>A number of two draws of 64 bits (Box and Muller 1958).</summary>
    protected static double Normal(ulong a, ulong b) => Math.Sqrt(-2 * Math.Log(Unit(a))) * Math.Cos(2 * Math.PI * Unit(b));

    // Above 0 and below 1.
    private static double Unit(ulong bits) => ((bits >> 11) + 0.5) * (1.0 / (1UL << 53));
}

/// <summary>Of the system's cryptographic generator: nobody can find it out afterwards, and it never comes again.</summary>
internal sealed class SecretNoise : NoiseSource
{
    private const int Draw = 2 * sizeof(ulong);

    public override void Fill(Span<double> values, int array, int first)
    {
        Span<byte> bits = stackalloc byte[64 * Draw];
        for (var done = 0; done < values.Length;)
        {
            var some = Math.Min(values.Length - done, bits.Length / Draw);
            RandomNumberGenerator.Fill(bits[..(some * Draw)]);
            for (var i = 0; i < some; i++)
                values[done++] = Normal(BinaryPrimitives.ReadUInt64LittleEndian(bits[(i * Draw)..]), BinaryPrimitives.ReadUInt64LittleEndian(bits[((i * Draw) + sizeof(ulong))..]));
        }
        CryptographicOperations.ZeroMemory(bits);
    }
}

/// <summary>Of a seed that anybody may know: for runs that are to come again, and not private at all. An element's number depends on its place alone.</summary>
internal sealed class SeededNoise(ulong seed) : NoiseSource
{
    public override void Fill(Span<double> values, int array, int first)
    {
        var start = Mix(seed ^ Mix((ulong)array + 1));
        for (var i = 0; i < values.Length; i++)
        {
            var place = 2 * ((ulong)first + (ulong)i);
            values[i] = Normal(Mix(start + (place * Step)), Mix(start + ((place + 1) * Step)));
        }
    }

    private const ulong Step = 0x9E3779B97F4A7C15;

    // SplitMix64 (Steele, Lea and Flood 2014).
    private static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}

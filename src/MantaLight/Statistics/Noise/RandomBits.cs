using System.Buffers.Binary;
using System.Security.Cryptography;

namespace MantaLight.Statistics.Noise;

/// <summary>Where noise comes from: uniform bits. For one caller at a time.</summary>
internal abstract class RandomBits
{
    /// <summary>64 random bits.</summary>
    public abstract ulong Next();

    /// <summary>A number from 0 to below the bound, all exactly equally likely.</summary>
    /// <param name="bound">At least 1.</param>
    public ulong Below(ulong bound)
    {
        // What is left over of 2^64 would make the first numbers likelier.
        var rest = (ulong.MaxValue % bound) + 1;
        while (true)
        {
            var bits = Next();
            if (rest == bound || bits <= ulong.MaxValue - rest)
                return bits % bound;
        }
    }
}

/// <summary>Of the system's cryptographic generator: nobody can find it out afterwards, and it never comes again.</summary>
internal sealed class SecretBits : RandomBits
{
    private readonly byte[] some = new byte[1024];
    private int used = 1024;

    public override ulong Next()
    {
        if (used == some.Length)
        {
            RandomNumberGenerator.Fill(some);
            used = 0;
        }
        var bits = BinaryPrimitives.ReadUInt64LittleEndian(some.AsSpan(used));
        some.AsSpan(used, sizeof(ulong)).Clear();
        used += sizeof(ulong);
        return bits;
    }
}

/// <summary>SplitMix64 (Steele, Lea and Flood 2014) of a seed that anybody may know: for runs that are to come again, and not private at all.</summary>
internal sealed class SeededBits(ulong seed) : RandomBits
{
    private ulong state = seed;

    public override ulong Next()
    {
        var z = state += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}

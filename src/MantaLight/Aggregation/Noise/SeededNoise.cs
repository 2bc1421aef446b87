namespace MantaLight.Aggregation.Noise;

/// <summary>Of a seed: a number depends on its place alone (SplitMix64, Steele, Lea and Flood 2014).</summary>
internal sealed class SeededNoise(ulong seed) : NoiseSource
{
    private const ulong Step = 0x9E3779B97F4A7C15;

    public override void FillBits(Span<ulong> bits, int array, long first)
    {
        var place = Mix(seed ^ Mix((ulong)array + 1)) + ((ulong)first * Step);
        for (var i = 0; i < bits.Length; i++, place += Step)
            bits[i] = Mix(place);
    }

    private static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}

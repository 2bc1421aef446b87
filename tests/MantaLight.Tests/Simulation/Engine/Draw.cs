namespace MantaLight.Simulation;

/// <summary>A stream of chance: the same seed and purpose give the same draws on every machine (SplitMix64).</summary>
internal sealed class Draw(ulong state)
{
    private ulong state = state;

    /// <summary>A stream of its own for one purpose, so that a draw more in one place changes nothing in another.</summary>
    public static Draw For(long seed, string purpose)
    {
        var hash = 14695981039346656037UL;
        foreach (var c in purpose)
            hash = (hash ^ c) * 1099511628211UL;
        return new Draw(hash ^ ((ulong)seed * 0x9E3779B97F4A7C15UL));
    }

    public ulong Next()
    {
        var z = state += 0x9E3779B97F4A7C15UL;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9UL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBUL;
        return z ^ (z >> 31);
    }

    /// <summary>0 to <paramref name="below"/> - 1.</summary>
    public int Below(int below) => (int)(((Next() >> 32) * (ulong)below) >> 32);

    /// <summary>Both ends included.</summary>
    public int Between(int least, int most) => least + Below(most - least + 1);

    public bool Chance(double probability) => (Next() >> 11) * (1.0 / (1UL << 53)) < probability;

    public TimeSpan Between(TimeSpan least, TimeSpan most) => least + new TimeSpan((long)((most - least).Ticks * ((Next() >> 11) * (1.0 / (1UL << 53)))));

    public T Of<T>(params ReadOnlySpan<T> items) => items[Below(items.Length)];
}

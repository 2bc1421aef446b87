namespace MantaLight.Aggregation.Noise;

/// <summary>Random numbers for what is to be private, one for each place. Any number of threads may ask at once.</summary>
public abstract class NoiseSource
{
    private const int Some = 64;

    private protected NoiseSource()
    {
    }

    /// <summary>Of the system's cryptographic generator: nobody can find it out afterwards, and it never comes again.</summary>
    public static NoiseSource Secret { get; } = new SecretNoise();

    /// <summary>Of a seed that anybody may know: for runs that are to come again, and not private at all.</summary>
    public static NoiseSource OfSeed(ulong seed) => new SeededNoise(seed);

    /// <summary>Whether nobody can know it: what has noise of another source is not private.</summary>
    public bool IsSecret => this is SecretNoise;

    /// <summary>Fills with 64 random bits each.</summary>
    /// <param name="bits">As many as there are places.</param>
    /// <param name="array">Which of several rows of places.</param>
    /// <param name="first">The first place.</param>
    public abstract void FillBits(Span<ulong> bits, int array, long first);

    /// <summary>Fills with standard normal numbers (Box and Muller 1958).</summary>
    /// <param name="values">As many as there are places.</param>
    /// <param name="array">Which of several rows of places, such as an array's place in a model.</param>
    /// <param name="first">The first place.</param>
    public virtual void Fill(Span<double> values, int array, long first)
    {
        Span<ulong> bits = stackalloc ulong[2 * Some];
        for (var done = 0; done < values.Length; done += Some)
        {
            var some = values[done..Math.Min(values.Length, done + Some)];
            FillBits(bits[..(2 * some.Length)], array, 2 * (first + done));
            for (var i = 0; i < some.Length; i++)
                some[i] = Math.Sqrt(-2 * Math.Log(Unit(bits[2 * i]))) * Math.Cos(2 * Math.PI * Unit(bits[(2 * i) + 1]));
        }
    }

    /// <summary>Fills with numbers of Laplace's distribution of scale 1, by its inverse.</summary>
    /// <param name="values">As many as there are places.</param>
    /// <param name="array">Which of several rows of places.</param>
    /// <param name="first">The first place.</param>
    public void FillLaplace(Span<double> values, int array, long first)
    {
        Span<ulong> bits = stackalloc ulong[Some];
        for (var done = 0; done < values.Length; done += Some)
        {
            var some = values[done..Math.Min(values.Length, done + Some)];
            FillBits(bits[..some.Length], array, first + done);
            for (var i = 0; i < some.Length; i++)
            {
                // The lowest bit is the sign, the highest ones the size.
                var size = -Math.Log(Unit(bits[i]));
                some[i] = (bits[i] & 1) == 0 ? size : -size;
            }
        }
    }

    /// <summary>Above 0 and below 1, of the highest 53 bits.</summary>
    private protected static double Unit(ulong bits) => ((bits >> 11) + 0.5) * (1.0 / (1UL << 53));
}

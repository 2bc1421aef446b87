using MantaLight.Aggregation.Noise;

namespace MantaLight.Torch.Privacy;

/// <summary>Poisson sampling: each sample is in a step's batch with the same probability, whatever the others do. A batch may be empty.</summary>
/// <param name="count">How many samples there are.</param>
/// <param name="batchSize">How many a batch is expected to have; all of them where there are no more.</param>
internal sealed class SampleDraw(long count, long batchSize)
{
    private readonly ulong[] bits = new ulong[Math.Min(count, 4096)];

    /// <summary>q: the probability.</summary>
    public double Probability => Math.Min(1, (double)batchSize / count);

    /// <summary>The next batch's samples, in their order.</summary>
    public List<long> Next(NoiseSource source)
    {
        var drawn = new List<long>((int)Math.Min(count, 2 * batchSize));
        // Never more often than is accounted for: rounded down.
        var bound = Probability < 1 ? (ulong)(Probability * 18446744073709551616.0) : ulong.MaxValue;
        for (long first = 0; first < count; first += bits.Length)
        {
            var some = bits.AsSpan(0, (int)Math.Min(bits.Length, count - first));
            source.FillBits(some, 0, first);
            for (var i = 0; i < some.Length; i++)
            {
                if (Probability >= 1 || some[i] < bound)
                    drawn.Add(first + i);
            }
        }
        return drawn;
    }
}

namespace MantaLight.Attacks;

/// <summary>Has learnt nothing, and sends noise: d' ~ N(0, σ²), each element for itself.</summary>
/// <param name="Deviation">σ, above 0.</param>
public sealed record GaussianNoise(double Deviation) : ContributionAttack
{
    internal override void Corrupt(Span<double> learnt, IReadOnlyList<double[]> known, Random random)
    {
        // Box and Muller 1958.
        foreach (ref var value in learnt)
            value = Deviation * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
    }
}

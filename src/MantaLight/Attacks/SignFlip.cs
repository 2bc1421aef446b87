namespace MantaLight.Attacks;

/// <summary>Pulls away from where it has learnt to go: d' = -s d.</summary>
/// <param name="Scale">s, above 0.</param>
public sealed record SignFlip(double Scale) : ContributionAttack
{
    internal override void Corrupt(Span<double> learnt, IReadOnlyList<double[]> known, Random random)
    {
        foreach (ref var value in learnt)
            value *= -Scale;
    }
}

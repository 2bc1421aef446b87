namespace MantaLight.Attacks;

/// <summary>Inner-product manipulation (Xie et al. 2019, "Fall of Empires", section 4): d' = -ε times the mean of what the attackers have learnt. A small ε hides among the others, a large one turns the mean round.</summary>
/// <param name="Scale">ε, above 0.</param>
public sealed record InnerProduct(double Scale) : ContributionAttack
{
    internal override Collusion Colluders { get; } = new();

    internal override void Corrupt(Span<double> learnt, IReadOnlyList<double[]> known, Random random)
    {
        for (var i = 0; i < learnt.Length; i++)
        {
            var sum = 0.0;
            foreach (var colluder in known)
                sum += colluder[i];
            learnt[i] = -Scale * sum / known.Count;
        }
    }
}

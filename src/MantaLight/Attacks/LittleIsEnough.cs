using MathNet.Numerics.Distributions;

namespace MantaLight.Attacks;

/// <summary>
/// "A Little Is Enough" (Baruch et al. 2019, Algorithm 3): d' = μ - z σ, of each element, with the mean and the standard deviation of what the attackers have learnt; so near to the others that rules based on distance take
/// it for one of them.
/// </summary>
/// <param name="Deviations">z, above 0.</param>
public sealed record LittleIsEnough(double Deviations) : ContributionAttack
{
    /// <summary>With the largest z that leaves enough honest ones farther from the mean: s = ⌊n/2 + 1⌋ - f, z = Φ⁻¹((n - f - s) / (n - f)).</summary>
    /// <exception cref="InvalidSettingException">There is no such z above 0, or only one attacks.</exception>
    internal static LittleIsEnough Among(int participants, int attackers)
    {
        var honest = participants - attackers;
        var supporters = (participants / 2) + 1 - attackers;
        var z = honest > 0 && supporters > 0 && supporters < honest ? Normal.InvCDF(0, 1, (double)(honest - supporters) / honest) : 0;
        return z > 0
            ? By(z, attackers)
            : throw new InvalidSettingException($"'alie' has no number of deviations of its own for {attackers} attackers of {participants}; give it, as in alie:1.5.");
    }

    /// <inheritdoc cref="Among"/>
    internal static LittleIsEnough By(double deviations, int attackers) => attackers >= 2
        ? new LittleIsEnough(deviations)
        : throw new InvalidSettingException("'alie' takes at least 2 attackers, whose work tells how much honest work varies: add --attackers 2.");

    internal override Collusion Colluders { get; } = new();

    internal override void Corrupt(Span<double> learnt, IReadOnlyList<double[]> known, Random random)
    {
        for (var i = 0; i < learnt.Length; i++)
        {
            double sum = 0, squares = 0;
            foreach (var colluder in known)
                sum += colluder[i];
            var mean = sum / known.Count;
            foreach (var colluder in known)
                squares += (colluder[i] - mean) * (colluder[i] - mean);
            learnt[i] = mean - (Deviations * Math.Sqrt(squares / known.Count));
        }
    }
}

using System.Globalization;

namespace MantaLight.Aggregation.Plans;

/// <summary>
/// A clipping norm that follows a quantile of the contributions' own (Andrew et al. 2021, "Differentially Private Learning with Adaptive Clipping", Algorithm 1): C ← C exp(-η (b̃ - γ)), with b̃ the noisy share of those that
/// are no longer than C: (Σ (b - ½) + N(0, σ_b²)) / m + ½, within 0 and 1. The norm is committed as a global beside the model.
/// </summary>
/// <param name="Initial">C in the first round, above 0.</param>
/// <param name="Quantile">γ, 0 to 1.</param>
/// <param name="Rate">η, above 0.</param>
/// <param name="CountNoise">σ_b, above 0; null for the usual one.</param>
internal sealed record AdaptiveClip(double Initial, double Quantile, double Rate, double? CountNoise)
{
    /// <summary>The part's name.</summary>
    public const string Name = "adaptive_clip";

    // No norm of a model in float32 is outside.
    private const double Least = 1e-30, Most = 1e30;

    /// <summary>As it is written in a definition.</summary>
    public string Text => string.Create(CultureInfo.InvariantCulture, $"{Name} {Initial} quantile={Quantile} rate={Rate}{(CountNoise is { } noise ? $" count_noise={noise}" : "")}");

    /// <summary>Reads the part.</summary>
    /// <exception cref="InvalidSettingException">An option is not possible.</exception>
    public static AdaptiveClip Read(PartText part) => new(
        part.Number("initial", n => n is >= Least and <= Most, "a norm of 1e-30 to 1e30", isPositional: true) ?? 0.1,
        part.Number("quantile", n => n is >= 0 and <= 1, "a share of 0 to 1") ?? 0.5,
        part.Number("rate", n => n is > 0 and <= 10, "a number above 0, 10 at most,") ?? 0.2,
        part.Number("count_noise", n => n > 0, "a number above 0"));

    /// <summary>σ_b: the paper's m/20, but never less than leaves the sum with noise of its own.</summary>
    /// <param name="expected">m.</param>
    /// <param name="noise">The noise multiplier of both together.</param>
    public double CountNoiseFor(double expected, double noise) => CountNoise ?? Math.Max(expected / 20, noise);

    /// <summary>The multiplier of the noise on the sum, so that the sum and the count together have what is accounted for (Theorem 1): z_Δ = (z⁻² - (2 σ_b)⁻²)^(-1/2).</summary>
    /// <param name="noise">z, below 2 σ_b.</param>
    /// <param name="countNoise">σ_b.</param>
    public static double SumNoise(double noise, double countNoise) => Math.Pow(Math.Pow(noise, -2) - Math.Pow(2 * countNoise, -2), -0.5);

    /// <summary>The norm of the next round.</summary>
    /// <param name="norm">That of this one.</param>
    /// <param name="lengths">How long contributions were before they were clipped.</param>
    /// <param name="expected">m.</param>
    /// <param name="noise">What is added to the count.</param>
    public double Next(double norm, IReadOnlyList<double> lengths, double expected, double noise)
    {
        var within = lengths.Sum(length => length <= norm ? 0.5 : -0.5);
        var share = Math.Clamp(((within + noise) / expected) + 0.5, 0, 1);
        return Math.Clamp(norm * Math.Exp(-Rate * (share - Quantile)), Least, Most);
    }
}

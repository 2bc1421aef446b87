using System.Globalization;

namespace MantaLight.Attacks;

/// <summary>
/// What a byzantine participant adds as its weights in place of those that it has trained: for trials of how much an aggregation endures, never for real swarms. With w the global that it has read and
/// d = x - w what it has learnt, it sends w + d' with another d'. Integers and booleans stay as they are.
/// </summary>
public abstract record ContributionAttack
{
    private const string Example = "sign_flip:4 or gaussian:0.1";

    private protected ContributionAttack()
    {
    }

    /// <summary>What is possible, for people.</summary>
    public static string Allowed => "sign_flip:S (d' = -S d), gaussian:SIGMA (d' ~ N(0, SIGMA²))";

    /// <summary>Reads an attack.</summary>
    /// <param name="text">Its name and its strength, as in <c>sign_flip:4</c>.</param>
    /// <exception cref="InvalidSettingException">There is no such attack, or the strength is no number above 0.</exception>
    public static ContributionAttack Parse(string text)
    {
        var parts = text.Split(':');
        if (parts.Length != 2 || !double.TryParse(parts[1], NumberStyles.Float, CultureInfo.InvariantCulture, out var strength) || !(strength is > 0 and < double.PositiveInfinity))
            throw new InvalidSettingException($"'{text}' is no attack; expected one of: {Allowed}, as in {Example}.");
        return parts[0] switch
        {
            "sign_flip" => new SignFlip(strength),
            "gaussian" => new GaussianNoise(strength),
            _ => throw new InvalidSettingException($"'{parts[0]}' is no attack; expected one of: {Allowed}, as in {Example}."),
        };
    }

    /// <summary>d' of some elements.</summary>
    /// <param name="learnt">d; becomes d'.</param>
    /// <param name="random">The attempt's own.</param>
    internal abstract void Corrupt(Span<double> learnt, Random random);
}

/// <summary>Pulls away from where it has learnt to go: d' = -s d.</summary>
/// <param name="Scale">s, above 0.</param>
public sealed record SignFlip(double Scale) : ContributionAttack
{
    internal override void Corrupt(Span<double> learnt, Random random)
    {
        foreach (ref var value in learnt)
            value *= -Scale;
    }
}

/// <summary>Has learnt nothing, and sends noise: d' ~ N(0, σ²), each element for itself.</summary>
/// <param name="Deviation">σ, above 0.</param>
public sealed record GaussianNoise(double Deviation) : ContributionAttack
{
    internal override void Corrupt(Span<double> learnt, Random random)
    {
        // Box and Muller 1958.
        foreach (ref var value in learnt)
            value = Deviation * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
    }
}

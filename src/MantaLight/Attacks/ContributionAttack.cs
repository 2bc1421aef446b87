using System.Globalization;
using MantaLight.Weights;

namespace MantaLight.Attacks;

/// <summary>
/// What a byzantine participant does in place of its work: for trials of how much an aggregation endures, never for real swarms. With w the global that it has read and d = x - w what it has learnt, it sends w + d' with
/// another d', or learns from data that it has falsified. Integers and booleans among its weights stay as they are.
/// </summary>
public abstract record ContributionAttack
{
    private const string Example = "sign_flip:4 or gaussian:0.1";

    private protected ContributionAttack()
    {
    }

    /// <summary>What is possible, for people.</summary>
    public static string Allowed =>
        "sign_flip:S (d' = -S d), gaussian:SIGMA (d' ~ N(0, SIGMA²)), label_flip:L (labels y become L - y), alie[:Z] (d' = mean - Z deviations of what attackers learn), inner_product:E (d' = -E times their mean)";

    /// <summary>Reads an attack.</summary>
    /// <param name="text">Its name and its strength, as in <c>sign_flip:4</c>.</param>
    /// <param name="participants">How many take part, n; the attackers among them.</param>
    /// <param name="attackers">How many attack, f.</param>
    /// <exception cref="InvalidSettingException">There is no such attack, the strength is not possible, or it takes more attackers.</exception>
    public static ContributionAttack Parse(string text, int participants, int attackers)
    {
        var parts = text.Split(':');
        var strength = parts is [_, var number] && double.TryParse(number, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && value is > 0 and < double.PositiveInfinity ? value : (double?)null;
        return (parts.Length, parts[0], strength) switch
        {
            (2, "sign_flip", { } scale) => new SignFlip(scale),
            (2, "gaussian", { } deviation) => new GaussianNoise(deviation),
            (2, "label_flip", { } last) when last == Math.Floor(last) && last <= int.MaxValue => new LabelFlip((int)last),
            (1, "alie", null) => LittleIsEnough.Among(participants, attackers),
            (2, "alie", { } deviations) => LittleIsEnough.By(deviations, attackers),
            (2, "inner_product", { } scale) => new InnerProduct(scale),
            _ => throw new InvalidSettingException($"'{text}' is no attack; expected one of: {Allowed}, as in {Example}."),
        };
    }

    /// <summary>What byzantine participants tell each other; null where they do not.</summary>
    internal virtual Collusion? Colluders => null;

    /// <summary>An array of its data as it reads it.</summary>
    internal virtual NamedArray Falsify(NamedArray data) => data;

    /// <summary>d' of an array's elements.</summary>
    /// <param name="learnt">d; becomes d'.</param>
    /// <param name="known">d of this array of those that collude, itself among them; empty where they do not.</param>
    /// <param name="random">The attempt's own.</param>
    internal virtual void Corrupt(Span<double> learnt, IReadOnlyList<double[]> known, Random random)
    {
    }
}

using MantaLight.Aggregation.Controls;
using MantaLight.Aggregation.Optimizers;
using MantaLight.Aggregation.Rules;

namespace MantaLight.Aggregation.Plans;

/// <summary>The part <c>scaffold</c>, which is a rule and the server's step in one, and stands alone.</summary>
internal static class ScaffoldPart
{
    /// <summary>Its name.</summary>
    public const string Name = "scaffold";

    /// <summary>Reads it.</summary>
    /// <exception cref="InvalidSettingException">An option is not possible.</exception>
    public static ControlledMean Read(PartText part) => new(
        part.Number("lr", n => n > 0, "a number above 0", isPositional: true) ?? 1, new ControlTerms(part.Whole("participants", 1)));

    /// <summary>Refuses what cannot stand beside it.</summary>
    /// <exception cref="InvalidSettingException">There is something.</exception>
    public static void RequireAlone(IReadOnlyList<PartText> parts)
    {
        if (parts.Count < 2 || parts.All(p => p.Name != Name))
            return;
        var other = parts.FirstOrDefault(p => p.Name != Name)?.Name ?? Name;
        throw new InvalidSettingException($"'{other}' cannot stand beside '{Name}': {ReasonAgainst(other)}. Leave one of them out.");
    }

    private static string ReasonAgainst(string other) => other switch
    {
        Name => "it is there once",
        "clip" or AdaptiveClip.Name => "a node's control variate tells of the difference as it was, not of what is left of it when it is shortened",
        "private_mean" => "noise hides models, and control variates tell of the same data without any",
        "mean" or "fed_nova" => "control variates count the same for each node, and models must do so too: weighed otherwise the two pull against each other",
        // Also where models are summed in secret: their weights would have to be equal, and control variates be summed in secret as well.
        _ when OptimizerParts.Names.Contains(other) => "it has a step of its own, 'scaffold lr=0.5'",
        _ => "it is not done with control variates, with which a node can bend the model all the same",
    };
}

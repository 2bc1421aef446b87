using MantaLight.Weights.Packing;

namespace MantaLight.Tests.Weights.Packing;

/// <summary>Plans as tests write them.</summary>
internal static class Plans
{
    /// <summary>A hash for bases that stand in no store.</summary>
    public static string Hash { get; } = new('a', 64);

    public static PackingPlan Of(string steps) => PackingPlan.Parse(steps.Length == 0 ? [] : steps.Split(','), out _)!;
}

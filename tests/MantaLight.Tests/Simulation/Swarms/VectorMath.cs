using System.Globalization;

namespace MantaLight.Simulation;

/// <summary>What the simulation's tasks compute, so that the checks can compute it again.</summary>
internal static class VectorMath
{
    public const string Global = "global_model_params";

    public static float[] First(int length) => [.. Enumerable.Range(0, length).Select(i => i * 0.37f)];

    public static float[] Trained(ReadOnlySpan<float> global, string node)
    {
        var number = Number(node);
        var values = new float[global.Length];
        for (var i = 0; i < values.Length; i++)
            values[i] = (global[i] * 1.01f) + (number * 0.1f);
        return values;
    }

    public static long Samples(string node) => (7 * Number(node)) + 3;

    private static int Number(string node) => int.Parse(node.AsSpan(node.LastIndexOf('_') + 1), CultureInfo.InvariantCulture) + 1;
}

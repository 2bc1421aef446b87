using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using MantaLight.Coordination;
using MantaLight.Tasks;

namespace MantaLight.Simulation;

/// <summary>What the simulation's tasks compute, so that the checks can compute it again.</summary>
internal static class VectorMath
{
    public const string Global = "global_model_params";

    public const string AuditGlobal = "audited";

    public static float[] First(int length, float error = 0) => [.. Enumerable.Range(0, length).Select(i => (i * 0.37f) + error)];

    public static float[] Trained(ReadOnlySpan<float> global, string node, float error = 0)
    {
        var number = Number(node);
        var values = new float[global.Length];
        for (var i = 0; i < values.Length; i++)
            values[i] = (global[i] * 1.01f) + (number * 0.1f) + error;
        return values;
    }

    /// <summary>
    /// How far the result of an attempt is off by its seed: not at all where that is the one of the swarm's seed, round, alias
    /// and node, whoever schedules it, and however often.
    /// </summary>
    public static async Task<float> ErrorAsync(Globals globals, AttemptContext context, string node, CancellationToken cancellationToken)
    {
        var swarm = await globals.GetAsync<int>("seed", cancellationToken);
        var expected = Rendezvous.Hash(swarm.ToString(CultureInfo.InvariantCulture), context.Round.ToString(CultureInfo.InvariantCulture), context.Alias, node) >> 11;
        return context.Seed == expected ? 0 : 1 + (context.Seed % 100);
    }

    /// <summary>Of the bits of a global and of some updates.</summary>
    public static string Digest(ReadOnlySpan<float> global, IEnumerable<float[]> updates)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(MemoryMarshal.AsBytes(global));
        foreach (var update in updates)
            hash.AppendData(MemoryMarshal.AsBytes<float>(update));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    public static long Samples(string node) => (7 * Number(node)) + 3;

    private static int Number(string node) => int.Parse(node.AsSpan(node.LastIndexOf('_') + 1), CultureInfo.InvariantCulture) + 1;
}

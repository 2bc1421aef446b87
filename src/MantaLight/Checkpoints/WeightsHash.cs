using System.Security.Cryptography;
using MantaLight.Weights;

namespace MantaLight.Checkpoints;

/// <summary>The name of weights: the SHA-256 of their blob, as in the swarm's state.</summary>
internal static class WeightsHash
{
    public static string Of(NamedArrays weights)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var segment in WeightsCodec.Encode(weights))
            hash.AppendData(segment.Span);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}

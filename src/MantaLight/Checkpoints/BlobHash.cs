using System.Buffers;
using System.Security.Cryptography;

namespace MantaLight.Checkpoints;

/// <summary>The SHA-256 of a blob that lies in pieces.</summary>
internal static class BlobHash
{
    public static string Of(ReadOnlySequence<byte> content)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var segment in content)
            hash.AppendData(segment.Span);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}

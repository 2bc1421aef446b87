using System.Security.Cryptography;

namespace MantaLight.Storage;

/// <summary>Small files that carry their own hash: what a disk or an editor has spoiled is not taken for what was written.</summary>
internal static class SealedFile
{
    private const int SealLength = 64;

    /// <summary>The SHA-256 of the content in hex, a line feed, the content.</summary>
    public static void Write(IDisk disk, string name, ReadOnlySpan<byte> content, Flush flush)
    {
        var sealedBytes = new byte[SealLength + 1 + content.Length];
        Seal(content, sealedBytes);
        sealedBytes[SealLength] = (byte)'\n';
        content.CopyTo(sealedBytes.AsSpan(SealLength + 1));
        disk.Write(name, sealedBytes, flush);
    }

    /// <summary>The content; null where the file is not there, too long, or not what was written.</summary>
    public static ReadOnlyMemory<byte>? Read(IDisk disk, string name, int maximum)
    {
        if (disk.Read(name, maximum + SealLength + 1) is not { Length: > SealLength } bytes || bytes[SealLength] != '\n')
            return null;
        Span<byte> expected = stackalloc byte[SealLength];
        Seal(bytes.AsSpan(SealLength + 1), expected);
        // Not by ?: with null, which the compiler takes for an empty memory.
        if (!expected.SequenceEqual(bytes.AsSpan(0, SealLength)))
            return null;
        return bytes.AsMemory(SealLength + 1);
    }

    private static void Seal(ReadOnlySpan<byte> content, Span<byte> seal)
    {
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(content, digest);
        Convert.TryToHexStringLower(digest, seal, out _);
    }
}

using System.Buffers;
using System.Security.Cryptography;

namespace MantaLight.Blobs;

/// <summary>Reads from an offset; returns how many bytes.</summary>
internal delegate int ReadAt(long offset, Span<byte> bytes);

/// <summary>The hash of bytes that are read piece by piece.</summary>
internal static class BlobHash
{
    private const int PieceSize = 256 * 1024;

    public static string Of(ReadAt read, long size)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Append(hash, read, 0, size);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Appends what lies between an offset and the end.</summary>
    public static void Append(IncrementalHash hash, ReadAt read, long offset, long size)
    {
        var buffer = ArrayPool<byte>.Shared.Rent((int)Math.Clamp(size - offset, 1, PieceSize));
        try
        {
            while (offset < size)
            {
                var count = read(offset, buffer);
                if (count == 0)
                    break;
                hash.AppendData(buffer, 0, count);
                offset += count;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}

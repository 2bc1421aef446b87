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
        var buffer = ArrayPool<byte>.Shared.Rent((int)Math.Clamp(size, 1, PieceSize));
        try
        {
            for (long offset = 0; offset < size;)
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
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}

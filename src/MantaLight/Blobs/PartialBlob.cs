using System.Buffers;
using System.Collections;
using System.Security.Cryptography;
using MantaLight.Protocol;
using Microsoft.Win32.SafeHandles;

namespace MantaLight.Blobs;

/// <summary>A blob under assembly. Chunks may come in any order and more than once; what does not fit is refused.</summary>
internal sealed class PartialBlob : IDisposable
{
    private readonly BlobRef blob;
    private readonly string partial;
    private readonly string final;
    private readonly SafeFileHandle file;
    private readonly BitArray have;

    public PartialBlob(BlobRef blob, string partial, string final)
    {
        this.blob = blob;
        this.partial = partial;
        this.final = final;
        Missing = blob.ChunkCount;
        have = new BitArray(blob.ChunkCount);
        file = File.OpenHandle(partial, FileMode.CreateNew, FileAccess.ReadWrite, preallocationSize: blob.Size);
    }

    /// <summary>How many chunks have not come yet.</summary>
    public int Missing { get; private set; }

    public bool Has(int chunk) => have[chunk];

    /// <summary>Takes a chunk; false where it is foreign, of a wrong length, or here already.</summary>
    public bool Add(int chunk, ReadOnlySequence<byte> bytes)
    {
        if (chunk < 0 || chunk >= blob.ChunkCount || bytes.Length != blob.LengthOf(chunk) || have[chunk])
            return false;
        var offset = (long)chunk * blob.ChunkSize;
        foreach (var segment in bytes)
        {
            RandomAccess.Write(file, segment.Span, offset);
            offset += segment.Length;
        }
        have[chunk] = true;
        Missing--;
        return true;
    }

    /// <summary>Checks the whole against its hash and gives it its name.</summary>
    /// <exception cref="BlobUnavailableException">The hash is another: nothing is kept.</exception>
    public void Complete()
    {
        if (!TryComplete(out var found))
            throw new BlobUnavailableException($"What came as blob {blob.Sha256} has the hash {found}; it was dropped.");
    }

    /// <summary>Checks the whole against its hash and gives it its name; false, with the hash that it has, where that is another.</summary>
    public bool TryComplete(out string found)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = ArrayPool<byte>.Shared.Rent(256 * 1024);
        try
        {
            for (long offset = 0; offset < blob.Size;)
            {
                var read = RandomAccess.Read(file, buffer, offset);
                if (read == 0)
                    break;
                hash.AppendData(buffer, 0, read);
                offset += read;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
        found = Convert.ToHexStringLower(hash.GetHashAndReset());
        if (found != blob.Sha256)
            return false;
        file.Dispose();
        File.Move(partial, final, overwrite: true);
        return true;
    }

    public void Dispose()
    {
        file.Dispose();
        File.Delete(partial);
    }
}

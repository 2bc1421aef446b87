using System.Buffers;
using System.Security.Cryptography;
using MantaLight.Protocol;
using Microsoft.Win32.SafeHandles;

namespace MantaLight.Blobs;

/// <summary>A node's blobs on disk: a file for each, named by its hash. A file under its name is whole; partial ones have other names.</summary>
internal sealed class BlobStore
{
    private readonly string folder;
    private long partials;

    public BlobStore(string folder)
    {
        this.folder = Directory.CreateDirectory(folder).FullName;
        foreach (var left in Directory.EnumerateFiles(folder, "*.part"))
            File.Delete(left);
    }

    public bool Contains(string hash) => File.Exists(PathOf(hash));

    /// <summary>Deletes what was kept before a moment: at the start, what an earlier process has left.</summary>
    public void Sweep(DateTimeOffset before)
    {
        foreach (var file in Directory.EnumerateFiles(folder))
        {
            if (BlobRef.IsHash(Path.GetFileName(file)) && File.GetLastWriteTimeUtc(file) < before.UtcDateTime)
                Delete(Path.GetFileName(file));
        }
    }

    /// <summary>Writes out a value; hash and length are computed on the way.</summary>
    public BlobRef Write(ReadOnlySequence<byte> content, int chunkSize, string format)
    {
        var partial = NewPartial();
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using (var file = File.OpenHandle(partial, FileMode.CreateNew, FileAccess.Write, preallocationSize: content.Length))
        {
            long offset = 0;
            foreach (var segment in content)
            {
                hash.AppendData(segment.Span);
                RandomAccess.Write(file, segment.Span, offset);
                offset += segment.Length;
            }
        }
        var sha256 = Convert.ToHexStringLower(hash.GetHashAndReset());
        File.Move(partial, PathOf(sha256), overwrite: true);
        return new BlobRef
        {
            Sha256 = sha256,
            Size = content.Length,
            ChunkSize = chunkSize,
            ChunkCount = (int)((content.Length + chunkSize - 1) / chunkSize),
            Format = format,
        };
    }

    /// <summary>Opens a blob for serving its chunks; null where it is not here.</summary>
    public SafeFileHandle? TryOpen(string hash)
    {
        try
        {
            return File.OpenHandle(PathOf(hash));
        }
        catch (FileNotFoundException)
        {
            return null;
        }
    }

    /// <summary>Maps a blob into memory; dispose the result when done.</summary>
    /// <exception cref="BlobUnavailableException">It is not here.</exception>
    public MappedBlob Map(BlobRef blob)
    {
        try
        {
            return new MappedBlob(PathOf(blob.Sha256), blob.Size);
        }
        catch (FileNotFoundException e)
        {
            throw new BlobUnavailableException($"Blob {blob.Sha256} is not in this node's store.", e);
        }
    }

    /// <summary>Begins a blob whose chunks come in any order.</summary>
    public PartialBlob Begin(BlobRef blob) => new(blob, NewPartial(), PathOf(blob.Sha256));

    public void Delete(string hash)
    {
        try
        {
            File.Delete(PathOf(hash));
        }
        catch (IOException)
        {
            // Mapped by a reader, where the operating system minds: the next sweep takes it.
        }
    }

    private string NewPartial() => Path.Combine(folder, $"{Environment.ProcessId}-{Interlocked.Increment(ref partials)}.part");

    private string PathOf(string hash) => Path.Combine(folder, hash);
}

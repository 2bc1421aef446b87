using System.Buffers;
using System.Security.Cryptography;
using MantaLight.Concurrency;
using MantaLight.Protocol;
using MantaLight.Storage;

namespace MantaLight.Blobs;

/// <summary>A node's blobs on disk: a file for each, named by its hash. A file under its name is whole, or its hash tells that a loss of power has torn it.</summary>
internal sealed class BlobStore(IDisk disk)
{
    private const string Folder = "blobs";

    public bool Contains(string hash) => disk.Exists(NameOf(hash));

    /// <summary>Deletes a blob that the disk has spoiled; true where that was so.</summary>
    public bool DropIfSpoiled(string hash)
    {
        if (!Contains(hash) || IsIntact(hash))
            return false;
        Delete(hash);
        return true;
    }

    /// <summary>Deletes what the disk has spoiled; returns the hashes.</summary>
    public IReadOnlyList<string> DropSpoiled()
    {
        string[] spoiled = [.. Hashes().Where(hash => !IsIntact(hash))];
        foreach (var hash in spoiled)
            Delete(hash);
        return spoiled;
    }

    /// <summary>Deletes what nobody will ask for: what an earlier process had under way.</summary>
    public void DropAllBut(IReadOnlySet<string> kept)
    {
        foreach (var hash in Hashes().Where(hash => !kept.Contains(hash)).ToArray())
            Delete(hash);
    }

    /// <summary>Writes out a value; hash and length are computed on the way.</summary>
    /// <exception cref="IOException">The disk is full.</exception>
    public BlobRef Write(ReadOnlySequence<byte> content, int chunkSize, string format)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using var draft = disk.Create(Folder, content.Length);
        // Hashing takes as long as writing: of a large value on another core.
        if (Workers.For(content.Length) == 1)
        {
            Append(hash, content);
            Append(draft, content);
        }
        else
        {
            Workers.Run(2, worker =>
            {
                if (worker == 0)
                    Append(draft, content);
                else
                    Append(hash, content);
            });
        }
        var sha256 = Convert.ToHexStringLower(hash.GetHashAndReset());
        draft.Keep(NameOf(sha256), Flush.Behind);
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
    public DiskFile? TryOpen(string hash) => disk.Open(NameOf(hash));

    /// <summary>A blob as memory; dispose the result when done.</summary>
    /// <exception cref="BlobUnavailableException">It is not here.</exception>
    public DiskMemory Map(BlobRef blob) => disk.Map(NameOf(blob.Sha256), blob.Size)
        ?? throw new BlobUnavailableException($"Blob {blob.Sha256} is not in this node's store.");

    /// <summary>Begins a blob whose chunks come in any order.</summary>
    public PartialBlob Begin(BlobRef blob) => new(blob, disk.Create(Folder, blob.Size), NameOf(blob.Sha256));

    /// <summary>An empty file beside the blobs that never gets a name: gone when it is disposed; what a crash leaves, the next process removes.</summary>
    /// <exception cref="IOException">The disk does not answer.</exception>
    public DiskDraft Scratch() => disk.Create(Folder, 0);

    public void Delete(string hash) => disk.Delete(NameOf(hash));

    private IEnumerable<string> Hashes() => disk.List(Folder).Select(file => file.Name[(Folder.Length + 1)..]).Where(BlobRef.IsHash);

    private bool IsIntact(string hash)
    {
        using var file = TryOpen(hash);
        try
        {
            return file is not null && BlobHash.Of(file.Read, file.Length) == hash;
        }
        catch (IOException)
        {
            // What the disk does not give back is spoiled as well.
            return false;
        }
    }

    private static void Append(IncrementalHash hash, ReadOnlySequence<byte> content)
    {
        foreach (var segment in content)
            hash.AppendData(segment.Span);
    }

    private static void Append(DiskDraft draft, ReadOnlySequence<byte> content)
    {
        long offset = 0;
        foreach (var segment in content)
        {
            draft.Write(offset, segment.Span);
            offset += segment.Length;
        }
    }

    // A name from the wire must not lead out of the folder.
    private static string NameOf(string hash) => BlobRef.IsHash(hash) ? $"{Folder}/{hash}" : throw new MalformedDataException("A blob's name is not a SHA-256.");
}

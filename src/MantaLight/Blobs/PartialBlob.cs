using System.Buffers;
using System.Collections;
using System.Security.Cryptography;
using MantaLight.Diagnostics;
using MantaLight.Protocol;
using MantaLight.Storage;

namespace MantaLight.Blobs;

/// <summary>A blob under assembly. Chunks may come in any order and more than once; what does not fit is refused.</summary>
internal sealed class PartialBlob(BlobRef blob, DiskDraft draft, string name) : IDisposable
{
    private readonly BitArray have = new(blob.ChunkCount);

    // Of what has come in order: the last chunk finds the rest hashed, and nothing of that is read back.
    private readonly IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private long hashed;

    /// <summary>How many chunks have not come yet.</summary>
    public int Missing { get; private set; } = blob.ChunkCount;

    public bool Has(int chunk) => have[chunk];

    /// <summary>Whether one of these has not come yet.</summary>
    public bool Lacks(ReadOnlySpan<int> chunks)
    {
        foreach (var chunk in chunks)
        {
            if (!have[chunk])
                return true;
        }
        return false;
    }

    /// <summary>Those that have not come yet from a chunk on, so many at most; the next time it goes on behind them.</summary>
    public int[] TakeMissing(ref int next, int most)
    {
        var found = new List<int>(most);
        for (; next < blob.ChunkCount && found.Count < most; next++)
        {
            if (!have[next])
                found.Add(next);
        }
        return [.. found];
    }

    /// <summary>Whether it can be a chunk of the blob, here already or not.</summary>
    public bool Fits(Arrival arrival) => arrival.Chunk >= 0 && arrival.Chunk < blob.ChunkCount && arrival.Bytes.Length == blob.LengthOf(arrival.Chunk);

    /// <summary>Takes a chunk; false, and counted, where it does not fit, or is here already.</summary>
    public bool Add(Arrival arrival)
    {
        var (chunk, bytes) = (arrival.Chunk, arrival.Bytes);
        if (!Fits(arrival) || have[chunk])
        {
            Telemetry.Drop(Fits(arrival) ? Telemetry.Stale : Telemetry.Malformed);
            return false;
        }
        var offset = (long)chunk * blob.ChunkSize;
        foreach (var segment in bytes)
        {
            draft.Write(offset, segment.Span);
            if (offset == hashed)
            {
                hash.AppendData(segment.Span);
                hashed += segment.Length;
            }
            offset += segment.Length;
        }
        have[chunk] = true;
        Missing--;
        return true;
    }

    /// <summary>Checks the whole against its hash and gives it its name.</summary>
    /// <exception cref="MalformedDataException">The hash is another: nothing is kept.</exception>
    public void Complete()
    {
        if (!TryComplete(out var found))
            throw new MalformedDataException($"What came as blob {blob.Sha256} has the hash {found}; it was dropped.");
    }

    /// <summary>Checks the whole against its hash and gives it its name; false, with the hash that it has, where that is another.</summary>
    public bool TryComplete(out string found)
    {
        BlobHash.Append(hash, draft.Read, hashed, blob.Size);
        found = Convert.ToHexStringLower(hash.GetHashAndReset());
        hashed = 0;
        if (found != blob.Sha256)
            return false;
        // Not flushed: it can be had again, and what a loss of power spoils is found by its hash at the next start.
        draft.Keep(name, Flush.Sometime);
        return true;
    }

    public void Dispose()
    {
        hash.Dispose();
        draft.Dispose();
    }
}

using System.Buffers;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using MantaLight.Blobs;
using MantaLight.Privacy;
using MantaLight.Protocol;
using MantaLight.Weights;

namespace MantaLight.Virtual;

/// <summary>
/// What virtual nodes have shared: one copy of each value in memory, which all its readers read where it lies. Results go when the tasks that read them
/// are committed, globals when another has taken their place, and either when its last reader has done with it.
/// </summary>
internal sealed class SharedValues : IDisposable
{
    private const int ChunkSize = 256 << 10;

    private readonly ConcurrentDictionary<string, SharedWeights> values = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<int, ConcurrentBag<byte[]>> free = new();
    private readonly ConcurrentDictionary<string, PrivacyBook> books = new(StringComparer.Ordinal);

    /// <summary>What nodes keep for themselves.</summary>
    public VirtualKept Kept { get; } = new();

    /// <summary>Rounds of the run that are over already, as those before a checkpoint are.</summary>
    public int RoundsBefore { get; set; }

    /// <summary>What each node has spent of its data's privacy.</summary>
    public PrivacyBook BookOf(string node) => books.GetOrAdd(node, _ => PrivacyBook.InMemory(RoundsBefore));

    /// <summary>Copies a result of a round. Its name is that of its attempt: nobody compares the bytes of contributions.</summary>
    /// <param name="weights">What readers get.</param>
    /// <param name="size">Bytes on a wire.</param>
    /// <param name="format">Their form on a wire.</param>
    /// <param name="node">The node.</param>
    /// <param name="schedule">The attempt.</param>
    /// <param name="tag">The result's tag.</param>
    public StagedValue StageResult(NamedArrays weights, long size, string format, string node, ScheduleAttempt schedule, string tag) =>
        Stage(Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{schedule.Attempt}/{tag}"))), weights, size, format, new ResultOwner(schedule.Round, schedule.Alias, schedule.MaximumStaleness is null ? null : node));

    /// <summary>Copies a global, under the hash that it would have on the wire.</summary>
    /// <param name="weights">What readers get.</param>
    /// <param name="sent">The bytes on a wire.</param>
    /// <param name="format">Their form.</param>
    public StagedValue StageGlobal(NamedArrays weights, ReadOnlySequence<byte> sent, string format)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var segment in sent)
            hash.AppendData(segment.Span);
        return Stage(Convert.ToHexStringLower(hash.GetHashAndReset()), weights, sent.Length, format, owner: null);
    }

    /// <summary>Shares a copy.</summary>
    public BlobRef Share(StagedValue staged)
    {
        // The same bytes, or the same attempt once more.
        if (!values.TryAdd(staged.Blob.Sha256, staged.Weights))
            staged.Drop();
        return staged.Blob;
    }

    /// <summary>The weights, where they lie; dispose them when done.</summary>
    /// <exception cref="BlobUnavailableException">They are gone.</exception>
    public NamedArrays Read(BlobRef blob) => values.TryGetValue(blob.Sha256, out var shared) && shared.TryLend() is { } lent
        ? lent
        : throw new BlobUnavailableException($"Value {blob.Sha256} is shared no more.");

    public void Remove(BlobRef blob)
    {
        if (values.TryRemove(blob.Sha256, out var shared))
            shared.Release();
    }

    /// <summary>Drops the results of rounds before, and those of tasks that nobody reads any more; but not what counts in a later round.</summary>
    public void Settle(SwarmState state, IReadOnlySet<string> read)
    {
        foreach (var (name, shared) in values)
        {
            if (shared.Owner?.IsDone(state, read) == true && values.TryRemove(name, out _))
                shared.Release();
        }
    }

    public void Dispose()
    {
        foreach (var name in values.Keys)
        {
            if (values.TryRemove(name, out var shared))
                shared.Release();
        }
    }

    private StagedValue Stage(string name, NamedArrays weights, long size, string format, ResultOwner? owner)
    {
        var length = checked((int)weights.TotalBytes);
        // Memory of earlier values of that size: a round's contributions would else be garbage at its end.
        var memory = free.TryGetValue(length, out var unused) && unused.TryTake(out var taken) ? taken : GC.AllocateUninitializedArray<byte>(length);
        var shared = new SharedWeights(weights, memory, owner, returned => free.GetOrAdd(length, _ => []).Add(returned));
        return new StagedValue(new BlobRef { Sha256 = name, Size = size, ChunkSize = ChunkSize, ChunkCount = (int)((size + ChunkSize - 1) / ChunkSize), Format = format }, shared);
    }
}

/// <summary>A copy that is shared when its attempt has succeeded, or dropped.</summary>
internal sealed record StagedValue(BlobRef Blob, SharedWeights Weights)
{
    /// <summary>Gives its memory back.</summary>
    public void Drop() => Weights.Release();
}

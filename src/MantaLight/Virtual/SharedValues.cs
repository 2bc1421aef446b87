using System.Buffers;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using MantaLight.Blobs;
using MantaLight.Protocol;
using MantaLight.Weights;

namespace MantaLight.Virtual;

/// <summary>
/// What virtual nodes have shared: one copy of each value in memory, which all its readers read where it lies. Results go when their round is over,
/// globals when another has taken their place.
/// </summary>
internal sealed class SharedValues : IDisposable
{
    private const int ChunkSize = 256 << 10;

    private readonly ConcurrentDictionary<string, Shared> values = new(StringComparer.Ordinal);

    /// <summary>Shares a result of a round. Its name is that of its attempt: nobody compares the bytes of contributions.</summary>
    public BlobRef AddResult(NamedArrays weights, string attempt, string tag, int round)
    {
        var name = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{attempt}/{tag}")));
        return Add(name, weights, round);
    }

    /// <summary>Shares a global, under the hash that it would have on the wire.</summary>
    public BlobRef AddGlobal(NamedArrays weights)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var segment in WeightsCodec.Encode(weights))
            hash.AppendData(segment.Span);
        return Add(Convert.ToHexStringLower(hash.GetHashAndReset()), weights, round: null);
    }

    /// <summary>The weights; they stay shared, so that disposing the result does nothing to others.</summary>
    /// <exception cref="BlobUnavailableException">They are gone.</exception>
    public NamedArrays Read(BlobRef blob) => values.TryGetValue(blob.Sha256, out var shared)
        ? new NamedArrays(shared.Weights)
        : throw new BlobUnavailableException($"Value {blob.Sha256} is shared no more.");

    public void Remove(BlobRef blob)
    {
        if (values.TryRemove(blob.Sha256, out var shared))
            shared.Dispose();
    }

    /// <summary>Drops the results of rounds before.</summary>
    public void RoundBegins(int round)
    {
        foreach (var (name, shared) in values)
        {
            if (shared.Round < round && values.TryRemove(name, out _))
                shared.Dispose();
        }
    }

    public void Dispose()
    {
        foreach (var shared in values.Values)
            shared.Dispose();
        values.Clear();
    }

    private BlobRef Add(string name, NamedArrays weights, int? round)
    {
        var size = WeightsCodec.Encode(weights).Length;
        var shared = new Shared(weights, round);
        // The same bytes, or the same attempt once more.
        if (!values.TryAdd(name, shared))
            shared.Dispose();
        return new BlobRef { Sha256 = name, Size = size, ChunkSize = ChunkSize, ChunkCount = (int)((size + ChunkSize - 1) / ChunkSize), Format = ValueFormat.Weights };
    }

    /// <summary>A copy of weights in memory that is lent and given back: a round's contributions would else be garbage at its end.</summary>
    private sealed class Shared : IDisposable
    {
        private readonly byte[] memory;
        private int disposed;

        public Shared(NamedArrays weights, int? round)
        {
            Round = round;
            memory = ArrayPool<byte>.Shared.Rent(checked((int)weights.TotalBytes));
            var arrays = new NamedArray[weights.Count];
            var at = 0;
            for (var i = 0; i < arrays.Length; i++)
            {
                var array = weights[i];
                array.Data.CopyTo(memory.AsMemory(at));
                arrays[i] = new NamedArray(array.Name, array.Type, array.Shape, memory.AsMemory(at, array.Data.Length));
                at += array.Data.Length;
            }
            Weights = arrays;
        }

        public NamedArray[] Weights { get; }

        /// <summary>The round of a result; null for a global.</summary>
        public int? Round { get; }

        public void Dispose()
        {
            if (Interlocked.Exchange(ref disposed, 1) == 0)
                ArrayPool<byte>.Shared.Return(memory);
        }
    }
}

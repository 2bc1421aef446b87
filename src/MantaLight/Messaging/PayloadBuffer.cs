using System.Buffers;
using System.Collections.Concurrent;
using System.Runtime.InteropServices;

namespace MantaLight.Messaging;

/// <summary>
/// The memory of a large payload, used again when all who hold it have released it. Chunks come by the hundred: a new array for each is what the collector would be busy with.
/// Who does not release what it was given only leaves it to the collector.
/// </summary>
public sealed class PayloadBuffer : ReadOnlySequenceSegment<byte>
{
    // Together 16 MiB of chunks of the greatest size: what a window of two transfers needs.
    private const int MostKept = 64;
    private const int LargestKept = 256 * 1024;

    private static readonly ConcurrentQueue<PayloadBuffer> Free = new();

    private readonly byte[] bytes;
    private int holders;

    private PayloadBuffer(int length)
    {
        bytes = GC.AllocateUninitializedArray<byte>(length);
        Memory = bytes;
    }

    /// <summary>What is to be filled: at least as long as was asked for.</summary>
    public byte[] Bytes => bytes;

    /// <summary>Memory with one holder; what is in it is arbitrary.</summary>
    /// <param name="length">How many bytes it must take.</param>
    public static PayloadBuffer Rent(int length)
    {
        // One that is too short for these chunks is not worth keeping.
        while (length <= LargestKept && Free.TryDequeue(out var kept))
        {
            if (kept.bytes.Length < length)
                continue;
            kept.holders = 1;
            return kept;
        }
        return new PayloadBuffer(length) { holders = 1 };
    }

    /// <summary>The first bytes as a payload.</summary>
    /// <param name="length">How many.</param>
    public ReadOnlySequence<byte> Take(int length) => new(this, 0, this, length);

    /// <summary>Adds a holder to a payload, where it is of such memory.</summary>
    /// <param name="payload">What came in a message.</param>
    public static void Hold(in ReadOnlySequence<byte> payload)
    {
        if (Of(payload) is { } buffer)
            Interlocked.Increment(ref buffer.holders);
    }

    /// <summary>Ends one hold of a payload, where it is of such memory; who has released it does not read it any more.</summary>
    /// <param name="payload">What came in a message.</param>
    public static void Release(in ReadOnlySequence<byte> payload)
    {
        if (Of(payload) is { } buffer && Interlocked.Decrement(ref buffer.holders) == 0 && buffer.bytes.Length <= LargestKept && Free.Count < MostKept)
            Free.Enqueue(buffer);
    }

    private static PayloadBuffer? Of(in ReadOnlySequence<byte> payload) =>
        SequenceMarshal.TryGetReadOnlySequenceSegment(payload, out var start, out _, out _, out _) ? start as PayloadBuffer : null;
}

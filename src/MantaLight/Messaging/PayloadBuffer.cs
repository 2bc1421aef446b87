using System.Buffers;
using System.Collections.Concurrent;
using System.Runtime.InteropServices;

namespace MantaLight.Messaging;

/// <summary>
/// The memory of a large payload, used again, where it is of a common chunk's size, when all who hold it have released it. Chunks come by the hundred: a new array for each is what the collector would be busy with.
/// Who does not release what it was given only leaves it to the collector.
/// </summary>
public sealed class PayloadBuffer : ReadOnlySequenceSegment<byte>
{
    // Together 16 MiB: as many chunks as a connection lets its broker send unanswered.
    private const int MostKept = 64;
    private const int KeptLength = 256 * 1024;

    private static readonly ConcurrentQueue<PayloadBuffer> Free = new();

    private readonly byte[] bytes;
    private int holders = 1;

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
        // For chunks of the common size: what is far shorter would hold far more than it needs, what is longer is rare.
        if (length is <= KeptLength / 2 or > KeptLength)
            return new PayloadBuffer(length);
        if (!Free.TryDequeue(out var kept))
            return new PayloadBuffer(KeptLength);
        kept.holders = 1;
        return kept;
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
        if (Of(payload) is { } buffer && Interlocked.Decrement(ref buffer.holders) == 0 && buffer.bytes.Length == KeptLength && Free.Count < MostKept)
            Free.Enqueue(buffer);
    }

    private static PayloadBuffer? Of(in ReadOnlySequence<byte> payload) =>
        SequenceMarshal.TryGetReadOnlySequenceSegment(payload, out var start, out _, out _, out _) ? start as PayloadBuffer : null;
}

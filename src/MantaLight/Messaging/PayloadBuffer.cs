using System.Buffers;
using System.Collections.Concurrent;
using System.Numerics;
using System.Runtime.InteropServices;

namespace MantaLight.Messaging;

/// <summary>
/// The memory of a large payload, used again when all who hold it have released it. Chunks come by the hundred: a new array for each is what the collector would be busy with.
/// Who does not release what it was given only leaves it to the collector.
/// </summary>
public sealed class PayloadBuffer : ReadOnlySequenceSegment<byte>
{
    // As many chunks of the common size as a connection lets its broker send unanswered.
    private const int MostKeptBytes = 16 << 20;

    // Lengths are powers of two, from what is not copied to the longest chunk.
    private const uint Shortest = 16 * 1024, Longest = 4 << 20;

    private static readonly ConcurrentQueue<PayloadBuffer>[] Free = [.. Enumerable.Range(0, BitOperations.Log2(Longest / Shortest) + 1).Select(_ => new ConcurrentQueue<PayloadBuffer>())];
    private static int keptBytes;

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
        var size = Math.Max(BitOperations.RoundUpToPowerOf2((uint)length), Shortest);
        if (size > Longest)
            return new PayloadBuffer(length);
        if (!FreeOf(size).TryDequeue(out var kept))
            return new PayloadBuffer((int)size);
        Interlocked.Add(ref keptBytes, -kept.bytes.Length);
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
        if (Of(payload) is { } buffer && Interlocked.Decrement(ref buffer.holders) == 0)
            buffer.Keep();
    }

    private static ConcurrentQueue<PayloadBuffer> FreeOf(uint size) => Free[BitOperations.Log2(size / Shortest)];

    private void Keep()
    {
        if (bytes.Length > Longest)
            return;
        // What nobody asks for any more makes room for what is in use.
        while (Interlocked.Add(ref keptBytes, bytes.Length) > MostKeptBytes)
        {
            Interlocked.Add(ref keptBytes, -bytes.Length);
            if (!TryDropOther())
                return;
        }
        FreeOf((uint)bytes.Length).Enqueue(this);
    }

    private bool TryDropOther()
    {
        foreach (var queue in Free)
        {
            if (queue == FreeOf((uint)bytes.Length) || !queue.TryDequeue(out var other))
                continue;
            Interlocked.Add(ref keptBytes, -other.bytes.Length);
            return true;
        }
        return false;
    }

    private static PayloadBuffer? Of(in ReadOnlySequence<byte> payload) =>
        SequenceMarshal.TryGetReadOnlySequenceSegment(payload, out var start, out _, out _, out _) ? start as PayloadBuffer : null;
}

using System.Buffers;

namespace MantaLight.Tests.Weights;

/// <summary>Sequences of several segments, as chunks of a blob are.</summary>
internal static class Sequences
{
    public static ReadOnlySequence<byte> InPiecesOf(int size, byte[] bytes)
    {
        Segment? first = null, last = null;
        foreach (var piece in bytes.Chunk(size))
        {
            last = new Segment(piece, last);
            first ??= last;
        }
        return first is null ? default : new ReadOnlySequence<byte>(first, 0, last!, last!.Memory.Length);
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(byte[] bytes, Segment? previous)
        {
            Memory = bytes;
            if (previous is null)
                return;
            RunningIndex = previous.RunningIndex + previous.Memory.Length;
            previous.Next = this;
        }
    }
}

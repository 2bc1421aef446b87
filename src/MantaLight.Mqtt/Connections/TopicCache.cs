using System.Buffers.Text;
using System.Text;
using MantaLight.Messaging;

namespace MantaLight.Mqtt.Connections;

/// <summary>Reads topics. Of those that differ in a last number alone, as a blob's chunks do, the text before it is made once.</summary>
internal sealed class TopicCache
{
    // As many blobs as come at the same time; one that is pushed out is only made again.
    private const int Size = 16;

    private readonly Parent[] parents = new Parent[Size];
    private int oldest;

    /// <summary>The topic of those bytes, of UTF-8.</summary>
    public TopicName Read(ReadOnlySpan<byte> topic)
    {
        var slash = topic.LastIndexOf((byte)'/');
        return slash > 0 && TryReadNumber(topic[(slash + 1)..], out var number)
            ? new TopicName(ParentOf(topic[..slash]), number)
            : new TopicName(Encoding.UTF8.GetString(topic));
    }

    /// <summary>Reads decimal digits as they are written: without leading zeros, as many as surely fit.</summary>
    private static bool TryReadNumber(ReadOnlySpan<byte> last, out int number)
    {
        number = 0;
        return last.Length is > 0 and <= 9 && (last[0] != '0' || last.Length == 1)
            && !last.ContainsAnyExceptInRange((byte)'0', (byte)'9') && Utf8Parser.TryParse(last, out number, out _);
    }

    private string ParentOf(ReadOnlySpan<byte> bytes)
    {
        foreach (var parent in parents)
        {
            if (parent.Bytes is not null && bytes.SequenceEqual(parent.Bytes))
                return parent.Text;
        }
        var made = new Parent(bytes.ToArray(), Encoding.UTF8.GetString(bytes));
        parents[oldest++ % Size] = made;
        return made.Text;
    }

    private readonly record struct Parent(byte[] Bytes, string Text);
}

using System.Buffers;

namespace MantaLight.Weights;

/// <summary>Lays out a weights blob: one exactly sized buffer with all headers, between which the arrays' memory is linked.</summary>
internal static class WeightsEncoder
{
    /// <summary>The key <c>pad</c> and the header of up to 255 bytes.</summary>
    private const int PadEntryLength = 6;

    /// <summary>Encodes.</summary>
    /// <exception cref="MalformedDataException">Beyond the format's limits.</exception>
    public static ReadOnlySequence<byte> Encode(NamedArrays weights)
    {
        Check(weights);
        var measure = default(WeightsHeaderWriter);
        Write(weights, ref measure, []);
        var headers = new byte[measure.Position];
        var ends = new int[weights.Count];
        var writer = new WeightsHeaderWriter(headers);
        Write(weights, ref writer, ends);
        return Link(weights, headers, ends);
    }

    private static void Check(NamedArrays weights)
    {
        if (weights.Count > WeightsCodec.MaximumTensors)
            throw new MalformedDataException($"Weights have {weights.Count:N0} arrays; at most {WeightsCodec.MaximumTensors:N0} are possible.");
        foreach (var array in weights)
        {
            if (array.Shape.Length > WeightsCodec.MaximumDimensions)
                throw new MalformedDataException($"Array '{array.Name}' has {array.Shape.Length} dimensions; at most {WeightsCodec.MaximumDimensions} are possible.");
        }
    }

    /// <summary>Writes all headers; <paramref name="ends"/>, where not empty, gets the end of each tensor's.</summary>
    private static void Write(NamedArrays weights, ref WeightsHeaderWriter writer, Span<int> ends)
    {
        writer.MapHeader(2);
        writer.String("format");
        writer.String(WeightsCodec.Format);
        writer.String("tensors");
        writer.ArrayHeader(weights.Count);
        long dataBefore = 0;
        for (var i = 0; i < weights.Count; i++)
        {
            WriteTensor(weights[i], ref writer, dataBefore);
            dataBefore += weights[i].Data.Length;
            if (!ends.IsEmpty)
                ends[i] = writer.Position;
        }
    }

    private static void WriteTensor(NamedArray array, ref WeightsHeaderWriter writer, long dataBefore)
    {
        var probe = default(WeightsHeaderWriter);
        probe.MapHeader(4);
        WriteDescription(array, ref probe);
        WriteDataHeader(array, ref probe);
        var offset = dataBefore + writer.Position + probe.Position;
        var aligned = array.Data.IsEmpty || offset % WeightsCodec.Alignment == 0;

        writer.MapHeader(aligned ? 4 : 5);
        WriteDescription(array, ref writer);
        if (!aligned)
        {
            var pad = (int)(-(offset + PadEntryLength) & (WeightsCodec.Alignment - 1));
            writer.String("pad");
            writer.BinaryHeader(pad);
            writer.Zeros(pad);
        }
        WriteDataHeader(array, ref writer);
    }

    private static void WriteDescription(NamedArray array, ref WeightsHeaderWriter writer)
    {
        writer.String("name");
        writer.String(array.Name);
        writer.String("dtype");
        writer.String(array.Type.WireName());
        writer.String("shape");
        writer.ArrayHeader(array.Shape.Length);
        foreach (var dimension in array.Shape)
            writer.Integer(dimension);
    }

    private static void WriteDataHeader(NamedArray array, ref WeightsHeaderWriter writer)
    {
        writer.String("data");
        writer.BinaryHeader(array.Data.Length);
    }

    private static ReadOnlySequence<byte> Link(NamedArrays weights, ReadOnlyMemory<byte> headers, ReadOnlySpan<int> ends)
    {
        if (weights.Count == 0)
            return new ReadOnlySequence<byte>(headers);
        var first = new Segment(headers[..ends[0]], null);
        var last = first;
        for (var i = 0; i < weights.Count; i++)
        {
            if (i > 0)
                last = new Segment(headers[ends[i - 1]..ends[i]], last);
            if (!weights[i].Data.IsEmpty)
                last = new Segment(weights[i].Data, last);
        }
        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(ReadOnlyMemory<byte> memory, Segment? previous)
        {
            Memory = memory;
            if (previous is not null)
            {
                RunningIndex = previous.RunningIndex + previous.Memory.Length;
                previous.Next = this;
            }
        }
    }
}

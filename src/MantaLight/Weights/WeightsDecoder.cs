using System.Buffers;
using System.Collections.Immutable;
using System.Text;
using MessagePack;

namespace MantaLight.Weights;

/// <summary>
/// Reads a weights blob that may be anything. Only the entries of the format are accepted, so that nothing is ever skipped
/// and no nesting can be deep; every length is checked against the bytes that are there before it is believed.
/// </summary>
internal static class WeightsDecoder
{
    private const int MaximumKeyBytes = 16;

    /// <summary>UTF-8 takes at most three bytes for a UTF-16 character.</summary>
    private const int MaximumNameBytes = NamedArray.MaximumNameLength * 3;

    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Decodes.</summary>
    /// <exception cref="MalformedDataException">Not exactly one blob of the format.</exception>
    public static NamedArrays Decode(ReadOnlySequence<byte> blob, IDisposable? owner) => new(Tensors(blob).ConvertAll(Array), owner);

    /// <summary>Reads what the blob says about its tensors, and where their data begin; the data themselves are not looked at.</summary>
    /// <exception cref="MalformedDataException">Not exactly one blob of the format.</exception>
    public static (ImmutableArray<ArrayHeader> Layout, ImmutableArray<long> Begins) ReadLayout(ReadOnlySequence<byte> blob)
    {
        var tensors = Tensors(blob);
        // As arrays without data: their names are held to the same rules.
        _ = new NamedArrays(tensors.Select(t => new NamedArray(t.Header.Name, t.Header.Type, [0], default)));
        return ([.. tensors.Select(t => t.Header)], [.. tensors.Select(t => t.Begin)]);
    }

    private static List<Tensor> Tensors(ReadOnlySequence<byte> blob)
    {
        try
        {
            var reader = new MessagePackReader(blob);
            var tensors = ReadBlob(ref reader);
            return reader.End ? tensors : throw Malformed($"{blob.Length - reader.Consumed:N0} bytes are left over after the end");
        }
        catch (EndOfStreamException e)
        {
            throw Malformed($"the {blob.Length:N0} bytes end too early", e);
        }
        // ArgumentException: text that is not UTF-8, and lengths of 2^31 and more, which the reader takes for negative ones.
        catch (Exception e) when (e is MessagePackSerializationException or OverflowException or ArgumentException)
        {
            throw Malformed(e.Message, e);
        }
    }

    private static List<Tensor> ReadBlob(ref MessagePackReader reader)
    {
        string? format = null;
        List<Tensor>? tensors = null;
        for (var entries = MapHeader(ref reader, "the blob"); entries > 0; entries--)
        {
            switch (String(ref reader, MaximumKeyBytes, "a key"))
            {
                case "format" when format is null:
                    format = String(ref reader, 64, "'format'");
                    if (format != WeightsCodec.Format)
                        throw Malformed($"the format is '{format}' where '{WeightsCodec.Format}' is expected");
                    break;
                case "tensors" when tensors is null:
                    tensors = ReadTensors(ref reader);
                    break;
                case var key:
                    throw Malformed($"the key '{key}' is unknown or stands there twice");
            }
        }
        return format is not null && tensors is not null ? tensors : throw Malformed("'format' or 'tensors' is missing");
    }

    private static List<Tensor> ReadTensors(ref MessagePackReader reader)
    {
        var count = ArrayHeader(ref reader, WeightsCodec.MaximumTensors, "tensors");
        var tensors = new List<Tensor>(Math.Min(count, 64));
        for (var i = 0; i < count; i++)
            tensors.Add(ReadTensor(ref reader, i));
        return tensors;
    }

    private static Tensor ReadTensor(ref MessagePackReader reader, int index)
    {
        string? name = null;
        ArrayType? type = null;
        long[]? shape = null;
        ReadOnlySequence<byte>? data = null;
        long begin = 0;
        var padded = false;
        for (var entries = MapHeader(ref reader, $"tensor {index}"); entries > 0; entries--)
        {
            switch (String(ref reader, MaximumKeyBytes, "a key"))
            {
                case "name" when name is null:
                    name = String(ref reader, MaximumNameBytes, "a name");
                    break;
                case "dtype" when type is null:
                    var dtype = String(ref reader, MaximumKeyBytes, "a dtype");
                    type = ArrayTypes.FromWireName(dtype) ?? throw Malformed($"tensor {index} has the unknown dtype '{dtype}'");
                    break;
                case "shape" when shape is null:
                    shape = ReadShape(ref reader);
                    break;
                case "pad" when !padded && data is null:
                    padded = Bytes(ref reader, "'pad'").Length < WeightsCodec.Alignment ? true : throw Malformed("a 'pad' is longer than it ever needs to be");
                    break;
                case "data" when data is null:
                    data = Bytes(ref reader, "'data'");
                    begin = reader.Consumed - data.Value.Length;
                    break;
                case var key:
                    throw Malformed($"the key '{key}' of tensor {index} is unknown, stands there twice or comes too late");
            }
        }
        return name is not null && type is { } known && shape is not null && data is { } bytes
            ? Checked(new Tensor(new ArrayHeader(name, known, [.. shape]), begin, bytes))
            : throw Malformed($"tensor {index} lacks one of 'name', 'dtype', 'shape' and 'data'");
    }

    // Compared before any copy, which is what a wrong length could make expensive.
    private static Tensor Checked(Tensor tensor)
    {
        var (header, _, data) = tensor;
        return NamedArray.ByteLength(header.Type, header.Shape.AsSpan()) == data.Length && data.Length <= System.Array.MaxLength
            ? tensor
            : throw Malformed($"'{header.Name}' of {header.Type.WireName()} [{string.Join(", ", header.Shape)}] comes with {data.Length:N0} bytes");
    }

    private static NamedArray Array(Tensor tensor)
    {
        var (header, _, data) = tensor;
        var memory = data.IsSingleSegment ? data.First : data.ToArray();
        if (header.Type == ArrayType.Bool && memory.Span.ContainsAnyExceptInRange((byte)0, (byte)1))
            throw Malformed($"'{header.Name}' is bool and has bytes other than 0 and 1");
        return new NamedArray(header.Name, header.Type, header.Shape.AsSpan(), memory);
    }

    private static long[] ReadShape(ref MessagePackReader reader)
    {
        var shape = new long[ArrayHeader(ref reader, WeightsCodec.MaximumDimensions, "dimensions")];
        foreach (ref var dimension in shape.AsSpan())
            dimension = reader.ReadInt64();
        return shape;
    }

    private static int MapHeader(ref MessagePackReader reader, string what) =>
        reader.NextMessagePackType == MessagePackType.Map ? reader.ReadMapHeader() : throw Malformed($"{what} is not a map");

    private static int ArrayHeader(ref MessagePackReader reader, int maximum, string what)
    {
        if (reader.NextMessagePackType != MessagePackType.Array)
            throw Malformed($"the {what} are not an array");
        var count = reader.ReadArrayHeader();
        return count >= 0 && count <= maximum ? count : throw Malformed($"it has {count:N0} {what}; at most {maximum:N0} are possible");
    }

    private static string String(ref MessagePackReader reader, int maximum, string what)
    {
        if (reader.NextMessagePackType != MessagePackType.String || reader.ReadStringSequence() is not { } bytes)
            throw Malformed($"{what} is not a string");
        return bytes.Length <= maximum ? Utf8.GetString(bytes) : throw Malformed($"{what} has {bytes.Length:N0} bytes; at most {maximum} are possible");
    }

    private static ReadOnlySequence<byte> Bytes(ref MessagePackReader reader, string what) =>
        reader.NextMessagePackType == MessagePackType.Binary && reader.ReadBytes() is { } bytes ? bytes : throw Malformed($"{what} is not binary");

    private static MalformedDataException Malformed(string what, Exception? inner = null) => new($"Not a weights blob: {what}.", inner);

    /// <summary>A tensor as it stands in a blob.</summary>
    private readonly record struct Tensor(ArrayHeader Header, long Begin, ReadOnlySequence<byte> Data);
}

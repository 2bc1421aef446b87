using System.Buffers;
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
    public static NamedArrays Decode(ReadOnlySequence<byte> blob, IDisposable? owner)
    {
        try
        {
            var reader = new MessagePackReader(blob);
            var arrays = ReadBlob(ref reader);
            return reader.End
                ? new NamedArrays(arrays, owner)
                : throw Malformed($"{blob.Length - reader.Consumed:N0} bytes are left over after the end");
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

    private static List<NamedArray> ReadBlob(ref MessagePackReader reader)
    {
        string? format = null;
        List<NamedArray>? arrays = null;
        for (var entries = MapHeader(ref reader, "the blob"); entries > 0; entries--)
        {
            switch (String(ref reader, MaximumKeyBytes, "a key"))
            {
                case "format" when format is null:
                    format = String(ref reader, 64, "'format'");
                    if (format != WeightsCodec.Format)
                        throw Malformed($"the format is '{format}' where '{WeightsCodec.Format}' is expected");
                    break;
                case "tensors" when arrays is null:
                    arrays = ReadTensors(ref reader);
                    break;
                case var key:
                    throw Malformed($"the key '{key}' is unknown or stands there twice");
            }
        }
        return format is not null && arrays is not null ? arrays : throw Malformed("'format' or 'tensors' is missing");
    }

    private static List<NamedArray> ReadTensors(ref MessagePackReader reader)
    {
        var count = ArrayHeader(ref reader, WeightsCodec.MaximumTensors, "tensors");
        var arrays = new List<NamedArray>(Math.Min(count, 64));
        for (var i = 0; i < count; i++)
            arrays.Add(ReadTensor(ref reader, i));
        return arrays;
    }

    private static NamedArray ReadTensor(ref MessagePackReader reader, int index)
    {
        string? name = null;
        ArrayType? type = null;
        long[]? shape = null;
        ReadOnlySequence<byte>? data = null;
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
                    break;
                case var key:
                    throw Malformed($"the key '{key}' of tensor {index} is unknown, stands there twice or comes too late");
            }
        }
        return name is not null && type is { } known && shape is not null && data is { } bytes
            ? Make(name, known, shape, bytes)
            : throw Malformed($"tensor {index} lacks one of 'name', 'dtype', 'shape' and 'data'");
    }

    private static NamedArray Make(string name, ArrayType type, long[] shape, ReadOnlySequence<byte> data)
    {
        // Compared before the copy, which is what a wrong length could make expensive.
        if (NamedArray.ByteLength(type, shape) != data.Length || data.Length > Array.MaxLength)
            throw Malformed($"'{name}' of {type.WireName()} [{string.Join(", ", shape)}] comes with {data.Length:N0} bytes");
        var memory = data.IsSingleSegment ? data.First : data.ToArray();
        if (type == ArrayType.Bool && memory.Span.ContainsAnyExceptInRange((byte)0, (byte)1))
            throw Malformed($"'{name}' is bool and has bytes other than 0 and 1");
        return new NamedArray(name, type, shape, memory);
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
}

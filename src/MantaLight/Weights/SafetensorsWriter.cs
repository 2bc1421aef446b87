using System.Buffers;
using System.Buffers.Binary;
using System.Text.Json;

namespace MantaLight.Weights;

/// <summary>Writes safetensors files.</summary>
internal static class SafetensorsWriter
{
    private const int Alignment = 8;

    public static async Task WriteAsync(
        string path, IReadOnlyList<NamedArray> arrays, IReadOnlyDictionary<string, string> metadata, CancellationToken cancellationToken)
    {
        Check(arrays);
        // Larger elements first, so that each array is aligned to its own; readers map them as they lie.
        NamedArray[] laidOut = [.. arrays.OrderByDescending(a => a.Type.SizeInBytes())];
        var header = Header(arrays, laidOut, metadata);
        path = Path.GetFullPath(path);
        var unfinished = $"{path}.{Path.GetRandomFileName()}.tmp";
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        try
        {
            await using (var file = new FileStream(unfinished, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0, useAsync: true))
            {
                await file.WriteAsync(header, cancellationToken);
                foreach (var array in laidOut)
                    await file.WriteAsync(array.Data, cancellationToken);
                file.Flush(flushToDisk: true);
            }
            File.Move(unfinished, path, overwrite: true);
        }
        finally
        {
            File.Delete(unfinished);
        }
    }

    private static void Check(IReadOnlyList<NamedArray> arrays)
    {
        if (arrays.Count > WeightsCodec.MaximumTensors)
            throw new MalformedDataException($"A file can hold {WeightsCodec.MaximumTensors:N0} arrays; these are {arrays.Count:N0}.");
        var names = new HashSet<string>(StringComparer.Ordinal) { SafetensorsTypes.MetadataKey };
        foreach (var array in arrays)
        {
            if (!names.Add(array.Name))
                throw new MalformedDataException($"The name '{array.Name}' is taken: by another array, or by the format.");
            if (array.Shape.Length > WeightsCodec.MaximumDimensions)
                throw new MalformedDataException($"Array '{array.Name}' has {array.Shape.Length} dimensions; at most {WeightsCodec.MaximumDimensions} are possible.");
        }
    }

    /// <summary>The length and the header itself, which spaces fill up so that the data begin aligned.</summary>
    private static byte[] Header(IReadOnlyList<NamedArray> arrays, NamedArray[] laidOut, IReadOnlyDictionary<string, string> metadata)
    {
        var begins = new Dictionary<string, long>(StringComparer.Ordinal);
        long offset = 0;
        foreach (var array in laidOut)
        {
            begins[array.Name] = offset;
            offset += array.Data.Length;
        }
        var buffer = new ArrayBufferWriter<byte>(4096);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            if (metadata.Count > 0)
                WriteMetadata(json, metadata);
            foreach (var array in arrays)
                WriteArray(json, array, begins[array.Name]);
            json.WriteEndObject();
        }
        var length = (buffer.WrittenCount + Alignment - 1) / Alignment * Alignment;
        if (length > Safetensors.MaximumHeader)
            throw new MalformedDataException($"The header would have {length:N0} bytes; at most {Safetensors.MaximumHeader:N0} are possible.");
        var header = new byte[sizeof(ulong) + length];
        BinaryPrimitives.WriteUInt64LittleEndian(header, (ulong)length);
        header.AsSpan(sizeof(ulong)).Fill((byte)' ');
        buffer.WrittenSpan.CopyTo(header.AsSpan(sizeof(ulong)));
        return header;
    }

    private static void WriteMetadata(Utf8JsonWriter json, IReadOnlyDictionary<string, string> metadata)
    {
        json.WriteStartObject(SafetensorsTypes.MetadataKey);
        foreach (var (key, value) in metadata.OrderBy(m => m.Key, StringComparer.Ordinal))
            json.WriteString(key, value);
        json.WriteEndObject();
    }

    private static void WriteArray(Utf8JsonWriter json, NamedArray array, long begin)
    {
        json.WriteStartObject(array.Name);
        json.WriteString("dtype", SafetensorsTypes.NameOf(array.Type));
        json.WriteStartArray("shape");
        foreach (var dimension in array.Shape)
            json.WriteNumberValue(dimension);
        json.WriteEndArray();
        json.WriteStartArray("data_offsets");
        json.WriteNumberValue(begin);
        json.WriteNumberValue(begin + array.Data.Length);
        json.WriteEndArray();
        json.WriteEndObject();
    }
}

using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace MantaLight.Weights.Packing;

/// <summary>Makes weights of their packed form, which may come from anybody.</summary>
internal static class Unpacker
{
    /// <summary>What is unpacked without a base may have at least so many bytes, and so many times those of its blob: more is no model but an attack on memory.</summary>
    private const long SmallestLimit = 64 << 20;
    private const int LargestRatio = 64;

    /// <summary>What a packed blob says of itself.</summary>
    /// <exception cref="MalformedDataException">It is no packed blob, or of steps that are not known.</exception>
    public static (PackingPlan Plan, PackedHeader Header) Describe(NamedArrays packed)
    {
        if (packed.Count == 0 || packed[0] is not { Name: PackedHeader.ArrayName, Type: ArrayType.UInt8 } first || first.Data.Length > PackedHeader.MaximumBytes)
            throw new MalformedDataException("Not packed weights: the description is missing.");
        PackedHeader header;
        try
        {
            header = JsonSerializer.Deserialize(first.Data.Span, PackedJson.Default.PackedHeader) ?? throw new JsonException("it is null");
        }
        catch (Exception e) when (e is JsonException or NotSupportedException or InvalidOperationException or FormatException)
        {
            throw new MalformedDataException($"The description of packed weights is not valid: {e.Message}", e);
        }
        if (header.Steps.IsDefault || header.Steps.Contains(null!) || header.Arrays.IsDefault || header.Arrays.Contains(null!) || header.Arrays.Length != packed.Count - 1)
            throw new MalformedDataException("The description of packed weights does not fit their arrays.");
        var plan = PackingPlan.Parse(header.Steps, out var problem) ?? throw new MalformedDataException($"Packed weights have steps that cannot be: {problem}.");
        return plan.IsDelta == header.Base is not null ? (plan, header) : throw new MalformedDataException("Packed weights are a difference from nothing, or from a base without being one.");
    }

    /// <summary>Unpacks.</summary>
    /// <param name="packed">The packed form.</param>
    /// <param name="reference">The base of a delta; null where there is none.</param>
    /// <exception cref="MalformedDataException">It is damaged.</exception>
    /// <exception cref="IncompatibleWeightsException">It is a delta from another base.</exception>
    public static NamedArrays Unpack(NamedArrays packed, DeltaBase? reference)
    {
        var (plan, header) = Describe(packed);
        if (plan.IsDelta && (reference is null || reference.Sha256 != header.Base || reference.Weights.Count != header.Arrays.Length))
            throw new IncompatibleWeightsException($"Packed weights are a difference from {header.Base}, which is not at hand.");
        CheckSize(header, packed);
        using var reader = new PackedBytes(plan);
        var arrays = new List<NamedArray>(header.Arrays.Length);
        for (var i = 0; i < header.Arrays.Length; i++)
            arrays.Add(UnpackOne(plan, reader, header.Arrays[i], packed[i + 1], plan.IsDelta ? reference!.Weights[i] : null));
        return new NamedArrays(arrays);
    }

    /// <summary>Before anything is allocated. What a delta becomes is as large as its base, which is at hand.</summary>
    private static void CheckSize(PackedHeader header, NamedArrays packed)
    {
        if (header.Base is not null)
            return;
        var limit = Math.Max(SmallestLimit, packed.TotalBytes * LargestRatio);
        foreach (var array in header.Arrays)
        {
            if (ArrayTypes.FromWireName(array.Dtype) is not { } type || array.Shape.IsDefault || NamedArray.ByteLength(type, array.Shape.AsSpan()) is not { } length || length > limit)
                throw new MalformedDataException($"Packed weights of {packed.TotalBytes:N0} bytes are to become more than {Math.Max(SmallestLimit, packed.TotalBytes * LargestRatio):N0}, or something that is no array.");
            limit -= length;
        }
    }

    private static NamedArray UnpackOne(PackingPlan plan, PackedBytes reader, PackedArray description, NamedArray packed, NamedArray? from)
    {
        if (ArrayTypes.FromWireName(description.Dtype) is not { } type || description.Shape.IsDefault || description.Shape.Length > WeightsCodec.MaximumDimensions
            || packed.Type != ArrayType.UInt8 || packed.Name != description.Name
            || NamedArray.ByteLength(type, description.Shape.AsSpan()) is not { } length || length > Array.MaxLength)
            throw new MalformedDataException($"Packed array '{packed.Name}' is not described as one can be.");
        if (from is not null && (from.Name != description.Name || from.Type != type || !from.Shape.SequenceEqual(description.Shape.AsSpan())))
            throw new IncompatibleWeightsException($"Packed array '{description.Name}' is a difference from '{from}', which has another layout.");
        var bytes = type == ArrayType.Float32
            ? UnpackFloats(plan, reader, packed.Data.Span, length, from)
            : reader.Read(packed.Data.Span, length, 0, type.SizeInBytes());
        if (type == ArrayType.Bool && bytes.AsSpan().ContainsAnyExceptInRange((byte)0, (byte)1))
            throw new MalformedDataException($"Packed array '{packed.Name}' is bool and has bytes other than 0 and 1.");
        return new NamedArray(description.Name, type, description.Shape.AsSpan(), bytes);
    }

    private static byte[] UnpackFloats(PackingPlan plan, PackedBytes reader, ReadOnlySpan<byte> packed, long length, NamedArray? from)
    {
        var layout = new FloatLayout(plan, length / sizeof(float));
        var bytes = reader.Read(packed, layout.Length, layout.Head, layout.Width);
        if (from is null && !plan.IsLossy)
            return bytes;
        var result = new byte[length];
        var values = MemoryMarshal.Cast<byte, float>(result.AsSpan());
        if (from is not null && !plan.IsLossy)
        {
            BitDelta.Decode(bytes, MemoryMarshal.Cast<byte, uint>(from.Data.Span), MemoryMarshal.Cast<byte, uint>(result.AsSpan()));
            return result;
        }
        if (!layout.HasIndices)
        {
            ValueCoder.Decode(plan, bytes, values);
            if (from is not null)
                TensorPrimitives.Add(from.Span<float>(), values, values);
            return result;
        }
        var chosen = new float[layout.Count];
        ValueCoder.Decode(plan, bytes.AsSpan(layout.Head), chosen);
        from!.Span<float>().CopyTo(values);
        layout.AddAt(bytes, chosen, values);
        return result;
    }
}

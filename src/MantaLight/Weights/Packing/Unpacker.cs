using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace MantaLight.Weights.Packing;

/// <summary>Makes weights of their packed form, which may come from anybody.</summary>
internal static class Unpacker
{
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
        catch (JsonException e)
        {
            throw new MalformedDataException($"The description of packed weights is not valid: {e.Message}", e);
        }
        if (header.Steps.IsDefault || header.Arrays.IsDefault || header.Arrays.Length != packed.Count - 1)
            throw new MalformedDataException("The description of packed weights does not fit their arrays.");
        return PackingPlan.Parse(header.Steps, out var problem) is { } plan
            ? (plan, header)
            : throw new MalformedDataException($"Packed weights have steps that cannot be: {problem}.");
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
        using var reader = new PackedBytes(plan);
        var arrays = new List<NamedArray>(header.Arrays.Length);
        for (var i = 0; i < header.Arrays.Length; i++)
            arrays.Add(UnpackOne(plan, reader, header.Arrays[i], packed[i + 1], plan.IsDelta ? reference!.Weights[i] : null));
        return new NamedArrays(arrays);
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

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
    /// <returns>The weights, in memory of their own; dispose them when done.</returns>
    /// <exception cref="MalformedDataException">It is damaged.</exception>
    /// <exception cref="IncompatibleWeightsException">It is a delta from another base.</exception>
    public static NamedArrays Unpack(NamedArrays packed, DeltaBase? reference)
    {
        var memory = new RentedMemory();
        try
        {
            return new NamedArrays(Each(packed, reference, () => memory), memory);
        }
        catch
        {
            memory.Dispose();
            throw;
        }
    }

    /// <summary>Unpacks one array after the other: no more is in memory than one of them, and what unpacking it takes.</summary>
    /// <param name="packed">The packed form.</param>
    /// <param name="reference">The base of a delta; null where there is none.</param>
    /// <returns>The arrays, in their order; each is good until the next one is asked for. Asking throws what <see cref="Unpack"/> does.</returns>
    public static IEnumerable<NamedArray> UnpackEach(NamedArrays packed, DeltaBase? reference)
    {
        RentedMemory? memory = null;
        try
        {
            foreach (var array in Each(packed, reference, Renewed))
                yield return array;
        }
        finally
        {
            memory?.Dispose();
        }

        RentedMemory Renewed()
        {
            memory?.Dispose();
            return memory = new RentedMemory();
        }
    }

    private static IEnumerable<NamedArray> Each(NamedArrays packed, DeltaBase? reference, Func<RentedMemory> memory)
    {
        var (plan, header) = Describe(packed);
        if (plan.IsDelta && (reference is null || reference.Sha256 != header.Base || reference.Weights.Count != header.Arrays.Length))
            throw new IncompatibleWeightsException($"Packed weights are a difference from {header.Base}, which is not at hand.");
        CheckSize(header, packed);
        using var reader = new PackedReader(plan);
        for (var i = 0; i < header.Arrays.Length; i++)
            yield return UnpackOne(plan, reader, header.Arrays[i], packed[i + 1], plan.IsDelta ? reference!.Weights[i] : null, memory());
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

    private static NamedArray UnpackOne(PackingPlan plan, PackedReader reader, PackedArray description, NamedArray packed, NamedArray? from, RentedMemory memory)
    {
        if (ArrayTypes.FromWireName(description.Dtype) is not { } type || description.Shape.IsDefault || description.Shape.Length > WeightsCodec.MaximumDimensions
            || packed.Type != ArrayType.UInt8 || packed.Name != description.Name
            || NamedArray.ByteLength(type, description.Shape.AsSpan()) is not { } length || length > Array.MaxLength)
            throw new MalformedDataException($"Packed array '{packed.Name}' is not described as one can be.");
        if (from is not null && (from.Name != description.Name || from.Type != type || !from.Shape.SequenceEqual(description.Shape.AsSpan())))
            throw new IncompatibleWeightsException($"Packed array '{description.Name}' is a difference from '{from}', which has another layout.");
        var bytes = type == ArrayType.Float32
            ? UnpackFloats(plan, reader, packed.Data.Span, (int)length, from, memory)
            : UnpackOthers(reader, packed.Data.Span, (int)length, type, memory);
        if (type == ArrayType.Bool && bytes.Span.ContainsAnyExceptInRange((byte)0, (byte)1))
            throw new MalformedDataException($"Packed array '{packed.Name}' is bool and has bytes other than 0 and 1.");
        return new NamedArray(description.Name, type, description.Shape.AsSpan(), bytes);
    }

    private static Memory<byte> UnpackOthers(PackedReader reader, ReadOnlySpan<byte> packed, int length, ArrayType type, RentedMemory memory)
    {
        reader.Check(packed, length);
        var result = memory.Take(length);
        reader.Read(packed, result.Span, type.SizeInBytes());
        return result;
    }

    private static Memory<byte> UnpackFloats(PackingPlan plan, PackedReader reader, ReadOnlySpan<byte> packed, int length, NamedArray? from, RentedMemory memory)
    {
        if (from is null && !plan.IsLossy)
            return UnpackOthers(reader, packed, length, ArrayType.Float32, memory);
        var layout = new FloatLayout(plan, length / sizeof(float));
        // Read before the result is allocated: what is cut or a bomb costs nothing.
        var bytes = reader.Read(packed, layout.Length, layout.Head, layout.Width);
        var result = memory.Take(length);
        var values = MemoryMarshal.Cast<byte, float>(result.Span);
        if (from is null)
            ValueCoder.Decode(plan, bytes, values);
        else if (!plan.IsLossy)
            BitDelta.Decode(bytes, from.Span<float>(), values);
        else
            Add(plan, layout, bytes, from.Span<float>(), values);
        return result;
    }

    private static void Add(PackingPlan plan, FloatLayout layout, ReadOnlySpan<byte> bytes, ReadOnlySpan<float> from, Span<float> values)
    {
        if (!layout.HasIndices)
        {
            ValueCoder.Decode(plan, bytes, values);
            TensorPrimitives.Add(from, values, values);
            return;
        }
        using var scratch = new RentedMemory();
        var chosen = scratch.Take<float>((int)layout.Count);
        ValueCoder.Decode(plan, bytes[layout.Head..], chosen);
        from.CopyTo(values);
        layout.AddAt(bytes, chosen, values);
    }
}

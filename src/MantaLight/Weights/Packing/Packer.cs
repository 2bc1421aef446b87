using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace MantaLight.Weights.Packing;

/// <summary>Makes weights smaller for their way, by a plan.</summary>
internal static class Packer
{
    /// <summary>Packs.</summary>
    /// <param name="plan">What to do; not plain.</param>
    /// <param name="weights">Finite weights. Only float32 arrays are changed; others travel as they are, compressed where the plan compresses.</param>
    /// <param name="reference">For a delta: the base, of the same layout, and its hash.</param>
    /// <param name="residual">What earlier rounds have lost, of the same layout; null for nothing.</param>
    /// <returns>The packed form, itself weights whose arrays are bytes; and, where the plan has error feedback, what this round loses.</returns>
    /// <exception cref="IncompatibleWeightsException">NaN, infinities, or another layout than the base's.</exception>
    public static Packed Pack(PackingPlan plan, NamedArrays weights, DeltaBase? reference, NamedArrays? residual)
    {
        foreach (var array in weights)
        {
            if (array.FirstNonFinite() is { } at)
                throw new IncompatibleWeightsException($"Array '{array}' holds NaN or an infinity at element {at}; such weights cannot be packed.");
        }
        var difference = plan.IsDelta ? reference!.Weights.DifferenceFrom(weights) : null;
        if (difference is not null)
            throw new IncompatibleWeightsException($"A delta needs a base of the same layout, but {difference}.");
        // What was lost in another layout is of no use.
        var lost = plan.HasErrorFeedback && residual?.DifferenceFrom(weights) is null ? residual : null;
        using var writer = new PackedBytes(plan);
        var packed = new List<NamedArray>(weights.Count + 1) { Header(plan, weights, reference) };
        var loses = plan.HasErrorFeedback ? new List<NamedArray>(weights.Count) : null;
        for (var i = 0; i < weights.Count; i++)
        {
            var bytes = weights[i].Type == ArrayType.Float32
                ? PackFloats(plan, writer, weights[i], plan.IsDelta ? reference!.Weights[i] : null, lost?[i], loses)
                : PackOthers(writer, weights[i], loses);
            packed.Add(new NamedArray(weights[i].Name, ArrayType.UInt8, [bytes.Length], bytes));
        }
        return new Packed(new NamedArrays(packed), loses is null ? null : new NamedArrays(loses));
    }

    private static NamedArray Header(PackingPlan plan, NamedArrays weights, DeltaBase? reference)
    {
        var bytes = JsonSerializer.SerializeToUtf8Bytes(
            new PackedHeader
            {
                Steps = plan.Steps,
                Base = plan.IsDelta ? reference!.Sha256 : null,
                Arrays = [.. weights.Select(w => new PackedArray { Name = w.Name, Dtype = w.Type.WireName(), Shape = [.. w.Shape] })],
            },
            PackedJson.Default.PackedHeader);
        return new NamedArray(PackedHeader.ArrayName, ArrayType.UInt8, [bytes.Length], bytes);
    }

    private static byte[] PackOthers(PackedBytes writer, NamedArray array, List<NamedArray>? loses)
    {
        // So that the layouts stay the same.
        loses?.Add(new NamedArray(array.Name, array.Type, array.Shape, new byte[array.Data.Length]));
        return writer.Write(array.Data.Span, 0, array.Type.SizeInBytes());
    }

    // What cannot be added is not made up for: else no later contribution could be packed.
    private static void AddWhereFinite(ReadOnlySpan<float> lost, Span<float> values)
    {
        for (var i = 0; i < values.Length; i++)
        {
            if (values[i] + lost[i] is var sum && float.IsFinite(sum))
                values[i] = sum;
        }
    }

    private static byte[] PackFloats(PackingPlan plan, PackedBytes writer, NamedArray array, NamedArray? from, NamedArray? lost, List<NamedArray>? loses)
    {
        var source = array.Span<float>();
        if (from is not null && !plan.IsLossy)
            return writer.Write(BitDelta.Encode(MemoryMarshal.Cast<float, uint>(source), MemoryMarshal.Cast<byte, uint>(from.Data.Span)), 0, sizeof(uint));
        var values = new float[source.Length];
        source.CopyTo(values);
        if (from is not null)
            TensorPrimitives.Subtract(values, from.Span<float>(), values);
        if (values.Length > 0 && !TensorPrimitives.IsFiniteAll<float>(values))
            throw new IncompatibleWeightsException($"Array '{array}' is so far from its base that float32 cannot hold the difference.");
        if (lost is not null)
            AddWhereFinite(lost.Span<float>(), values);
        var layout = new FloatLayout(plan, values.Length);
        var indices = layout.HasIndices ? new uint[layout.Count] : null;
        TopK.Select(values, indices);
        var chosen = indices is null ? values : [.. indices.Select(i => values[i])];
        var bytes = new byte[layout.Length];
        layout.WriteIndices(indices, bytes);
        ValueCoder.Encode(plan, chosen, bytes.AsSpan(layout.Head));
        if (loses is not null)
        {
            // What is left to send: what there was to send, less what the other side makes of it.
            var arrived = new float[chosen.Length];
            ValueCoder.Decode(plan, bytes.AsSpan(layout.Head), arrived);
            for (var i = 0; i < arrived.Length; i++)
                values[indices is null ? i : (int)indices[i]] -= arrived[i];
            loses.Add(new NamedArray(array.Name, ArrayType.Float32, array.Shape, MemoryMarshal.AsBytes(values.AsSpan()).ToArray()));
        }
        return writer.Write(bytes, layout.Head, layout.Width);
    }
}

/// <summary>The base of a delta.</summary>
/// <param name="Weights">The weights that both sides have.</param>
/// <param name="Sha256">The hash of their blob.</param>
internal sealed record DeltaBase(NamedArrays Weights, string Sha256);

/// <summary>Packed weights.</summary>
/// <param name="Weights">Arrays of bytes.</param>
/// <param name="Residual">What is lost and is to be added to the next round's; null without error feedback.</param>
internal sealed record Packed(NamedArrays Weights, NamedArrays? Residual);

using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace MantaLight.Weights.Packing;

/// <summary>Makes weights smaller for their way, by a plan.</summary>
internal sealed class Packer : IDisposable
{
    /// <summary>So many values at once.</summary>
    private const int Stretch = 1 << 14;

    private readonly PackingPlan plan;
    private readonly RentedMemory memory = new();
    private readonly RentedMemory residualMemory = new();
    private readonly PackedWriter writer;
    private readonly List<NamedArray>? loses;

    private Packer(PackingPlan plan)
    {
        this.plan = plan;
        writer = new PackedWriter(plan, memory);
        loses = plan.HasErrorFeedback ? [] : null;
    }

    /// <summary>Packs.</summary>
    /// <param name="plan">What to do; not plain.</param>
    /// <param name="weights">Finite weights. Only float32 arrays are changed; others travel as they are, compressed where the plan compresses.</param>
    /// <param name="reference">For a delta: the base, of the same layout, and its hash.</param>
    /// <param name="residual">What earlier rounds have lost, of the same layout; null for nothing.</param>
    /// <returns>The packed form, itself weights whose arrays are bytes; and, where the plan has error feedback, what this round loses. Dispose both when done.</returns>
    /// <exception cref="IncompatibleWeightsException">NaN, infinities, or another layout than the base's.</exception>
    public static Packed Pack(PackingPlan plan, NamedArrays weights, DeltaBase? reference, NamedArrays? residual)
    {
        using var packer = new Packer(plan);
        try
        {
            return packer.Pack(weights, reference, residual);
        }
        catch
        {
            packer.memory.Dispose();
            packer.residualMemory.Dispose();
            throw;
        }
    }

    // What is packed keeps its memory.
    public void Dispose() => writer.Dispose();

    private Packed Pack(NamedArrays weights, DeltaBase? reference, NamedArrays? residual)
    {
        var difference = plan.IsDelta ? reference!.Weights.DifferenceFrom(weights) : null;
        if (difference is not null)
            throw new IncompatibleWeightsException($"A delta needs a base of the same layout, but {difference}.");
        // What was lost in another layout is of no use.
        var lost = plan.HasErrorFeedback && residual?.DifferenceFrom(weights) is null ? residual : null;
        var packed = new List<NamedArray>(weights.Count + 1) { Header(weights, reference) };
        for (var i = 0; i < weights.Count; i++)
        {
            var array = weights[i];
            var bytes = array.Type == ArrayType.Float32 ? PackFloats(array, plan.IsDelta ? reference!.Weights[i] : null, lost?[i]) : PackOthers(array);
            packed.Add(new NamedArray(array.Name, ArrayType.UInt8, [bytes.Length], bytes));
        }
        return new Packed(new NamedArrays(packed, memory), loses is null ? null : new NamedArrays(loses, residualMemory));
    }

    private NamedArray Header(NamedArrays weights, DeltaBase? reference)
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

    private Memory<byte> PackOthers(NamedArray array)
    {
        if (loses is not null)
        {
            // So that the layouts stay the same.
            var nothing = residualMemory.Take(array.Data.Length);
            nothing.Span.Clear();
            loses.Add(new NamedArray(array.Name, array.Type, array.Shape, nothing));
        }
        RequireFinite(array);
        array.Data.Span.CopyTo(writer.Begin(array.Data.Length));
        return writer.End(0, array.Type.SizeInBytes());
    }

    private Memory<byte> PackFloats(NamedArray array, NamedArray? from, NamedArray? lost)
    {
        var source = array.Span<float>();
        var layout = new FloatLayout(plan, source.Length);
        var bytes = writer.Begin(checked((int)layout.Length));
        if (from is null)
        {
            PackValues(array, layout.Width, bytes);
        }
        else if (plan.IsLossy)
        {
            PackDifference(array, layout, from.Span<float>(), lost, bytes);
        }
        else
        {
            RequireFinite(array);
            BitDelta.Encode(source, from.Span<float>(), bytes);
        }
        return writer.End(layout.Head, layout.Width);
    }

    private void PackValues(NamedArray array, int width, Span<byte> bytes)
    {
        var source = array.Span<float>();
        if (plan.Values == ValueCoding.Int8)
        {
            RequireFinite(array);
            ValueCoder.Encode(plan, source, bytes);
            return;
        }
        // What has been looked at is still in the cache when it is written.
        for (var at = 0; at < source.Length; at += Stretch)
        {
            var values = source[at..Math.Min(at + Stretch, source.Length)];
            if (!TensorPrimitives.IsFiniteAll(values))
                RequireFinite(array);
            ValueCoder.Encode(plan, values, bytes.Slice(at * width, values.Length * width));
        }
    }

    private void PackDifference(NamedArray array, FloatLayout layout, ReadOnlySpan<float> from, NamedArray? lost, Span<byte> bytes)
    {
        using var scratch = new RentedMemory();
        // It ends as what is left to send.
        var left = (loses is null ? scratch : residualMemory).Take(array.Data.Length);
        var values = MemoryMarshal.Cast<byte, float>(left.Span);
        TensorPrimitives.Subtract(array.Span<float>(), from, values);
        if (values.Length > 0 && !TensorPrimitives.IsFiniteAll<float>(values))
        {
            // Whatever is taken from an infinity or NaN, none of them becomes finite.
            RequireFinite(array);
            throw new IncompatibleWeightsException($"Array '{array}' is so far from its base that float32 cannot hold the difference.");
        }
        if (lost is not null)
            AddWhereFinite(lost.Span<float>(), values);
        var indices = layout.HasIndices ? scratch.Take<uint>((int)layout.Count) : [];
        var chosen = values;
        if (layout.HasIndices)
        {
            TopK.Select(values, indices);
            chosen = scratch.Take<float>(indices.Length);
            for (var i = 0; i < indices.Length; i++)
                chosen[i] = values[(int)indices[i]];
            layout.WriteIndices(indices, bytes);
        }
        ValueCoder.Encode(plan, chosen, bytes[layout.Head..]);
        if (loses is null)
            return;
        // What there was to send, less what the other side makes of it.
        var arrived = scratch.Take<float>(chosen.Length);
        ValueCoder.Decode(plan, bytes[layout.Head..], arrived);
        if (!layout.HasIndices)
            TensorPrimitives.Subtract(values, arrived, values);
        for (var i = 0; i < indices.Length; i++)
            values[(int)indices[i]] -= arrived[i];
        loses.Add(new NamedArray(array.Name, ArrayType.Float32, array.Shape, left));
    }

    private static void RequireFinite(NamedArray array)
    {
        if (array.FirstNonFinite() is { } at)
            throw new IncompatibleWeightsException($"Array '{array}' holds NaN or an infinity at element {at}; such weights cannot be packed.");
    }

    // What cannot be added is not made up for: else no later contribution could be packed.
    private static void AddWhereFinite(ReadOnlySpan<float> lost, Span<float> values)
    {
        var at = 0;
        for (; at <= values.Length - Vector<float>.Count; at += Vector<float>.Count)
        {
            var before = new Vector<float>(values[at..]);
            var sum = before + new Vector<float>(lost[at..]);
            Vector.ConditionalSelect(Vector.IsFinite(sum), sum, before).CopyTo(values[at..]);
        }
        for (; at < values.Length; at++)
        {
            if (values[at] + lost[at] is var sum && float.IsFinite(sum))
                values[at] = sum;
        }
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

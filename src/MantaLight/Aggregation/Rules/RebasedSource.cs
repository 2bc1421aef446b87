using System.Numerics.Tensors;
using MantaLight.Weights;
using MantaLight.Weights.Sources;

namespace MantaLight.Aggregation.Rules;

/// <summary>A contribution that came as a difference from an earlier model, as a proposal for this one: w + d. Integers and booleans are w's.</summary>
/// <param name="inner">d, disposed with it.</param>
/// <param name="reference">w, of the same layout, disposed by its owner.</param>
internal sealed class RebasedSource(WeightsSource inner, WeightsSource reference) : WeightsSource(inner.Layout)
{
    // Of the thread, whichever contribution it reads.
    [ThreadStatic]
    private static (byte[] Bytes, double[] D, double[] W) scratch;

    public override ReadOnlySpan<byte> Read(int array, long offset, Span<byte> buffer)
    {
        var type = Layout[array].Type;
        if (!type.IsFloat())
            return reference.Read(array, offset, buffer);
        var count = buffer.Length / type.SizeInBytes();
        if (scratch.Bytes is null || scratch.Bytes.Length < buffer.Length)
            scratch.Bytes = new byte[buffer.Length];
        if (scratch.D is null || scratch.D.Length < count)
            (scratch.D, scratch.W) = (new double[count], new double[count]);
        var d = scratch.D.AsSpan(0, count);
        var w = scratch.W.AsSpan(0, count);
        Elements.Widen(type, inner.Read(array, offset, buffer), d);
        Elements.Widen(type, reference.Read(array, offset, scratch.Bytes.AsSpan(0, buffer.Length)), w);
        TensorPrimitives.Add<double>(d, w, d);
        // A sum that is not finite spoils what is made of it, and is found there.
        Elements.TryNarrow(type, d, buffer);
        return buffer;
    }

    protected override void Dispose(bool disposing) => inner.Dispose();
}

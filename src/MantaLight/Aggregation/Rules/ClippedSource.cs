using System.Numerics.Tensors;
using MantaLight.Weights;
using MantaLight.Weights.Sources;

namespace MantaLight.Aggregation.Rules;

/// <summary>
/// A contribution whose difference from the model before is shortened: w + s (x - w). Norm clipping is s = min(1, c/‖x - w‖), over the whole vector. Integers and booleans stay as they are.
/// </summary>
/// <param name="inner">x, disposed by its owner.</param>
/// <param name="reference">w, of the same layout, disposed by its owner.</param>
/// <param name="scale">s, 0 to 1.</param>
internal sealed class ClippedSource(WeightsSource inner, WeightsSource reference, double scale) : WeightsSource(inner.Layout)
{
    // Of the thread, whichever contribution it reads.
    [ThreadStatic]
    private static Scratch? scratch;

    /// <summary>How much of a difference of some length stays.</summary>
    /// <param name="norm">The length, at least 0.</param>
    /// <param name="most">c, above 0.</param>
    public static double ScaleOf(double norm, double most) => norm <= most ? 1 : most / norm;

    public override ReadOnlySpan<byte> Read(int array, long offset, Span<byte> buffer)
    {
        var type = Layout[array].Type;
        var data = inner.Read(array, offset, buffer);
        if (scale == 1 || !type.IsFloat())
            return data;
        var room = (scratch ??= new Scratch()).Of(buffer.Length, buffer.Length / type.SizeInBytes());
        Elements.Widen(type, data, room.X);
        Elements.Widen(type, reference.Read(array, offset, room.Bytes), room.W);
        TensorPrimitives.Subtract<double>(room.X, room.W, room.X);
        TensorPrimitives.Multiply(room.X, scale, room.X);
        TensorPrimitives.Add<double>(room.X, room.W, room.X);
        Elements.TryNarrow(type, room.X, buffer);
        return buffer;
    }

    protected override void Dispose(bool disposing)
    {
        // What it reads is its owners'.
    }

    private sealed class Scratch
    {
        private byte[] bytes = [];
        private double[] x = [];
        private double[] w = [];

        public Room Of(int length, int count)
        {
            if (bytes.Length < length)
                bytes = new byte[length];
            if (x.Length < count)
                (x, w) = (new double[count], new double[count]);
            return new Room(bytes.AsSpan(0, length), x.AsSpan(0, count), w.AsSpan(0, count));
        }
    }

    private readonly ref struct Room(Span<byte> bytes, Span<double> x, Span<double> w)
    {
        public Span<byte> Bytes { get; } = bytes;

        public Span<double> X { get; } = x;

        public Span<double> W { get; } = w;
    }
}

using System.Numerics.Tensors;
using MantaLight.Weights;

namespace MantaLight.Torch.Weights;

/// <summary>Refuses NaN and infinities.</summary>
internal static class FiniteCheck
{
    /// <exception cref="IncompatibleWeightsException">The array holds NaN or an infinity; the message says where.</exception>
    public static void RequireFinite(NamedArray array)
    {
        var at = array.Type switch
        {
            ArrayType.Float32 => FirstNonFinite(array.Span<float>()),
            ArrayType.Float64 => FirstNonFinite(array.Span<double>()),
            ArrayType.Float16 => FirstNonFinite(array.Span<Half>()),
            ArrayType.BFloat16 => array.Span<ushort>().IndexOfAnyNonFiniteBrainFloat(),
            _ => -1,
        };
        if (at >= 0)
            throw new IncompatibleWeightsException($"Array '{array}' holds NaN or an infinity at element {at}; such weights are refused.");
    }

    private static int FirstNonFinite<T>(ReadOnlySpan<T> values)
        where T : System.Numerics.IFloatingPointIeee754<T>
    {
        if (TensorPrimitives.IsFiniteAll(values))
            return -1;
        for (var i = 0; i < values.Length; i++)
        {
            if (!T.IsFinite(values[i]))
                return i;
        }
        return -1;
    }

    // All bits of the exponent set.
    private static int IndexOfAnyNonFiniteBrainFloat(this ReadOnlySpan<ushort> values)
    {
        for (var i = 0; i < values.Length; i++)
        {
            if ((values[i] & 0x7f80) == 0x7f80)
                return i;
        }
        return -1;
    }
}

using System.Numerics.Tensors;
using MantaLight.Aggregation.Optimizers;
using MantaLight.Aggregation.Rules;
using MantaLight.Weights;

namespace MantaLight.Aggregation;

/// <summary>x - w of two models, rounded once; integers and booleans stay those of x.</summary>
internal static class ModelDifference
{
    private const int Most = 8192;

    /// <summary>Makes the difference, to be disposed.</summary>
    /// <param name="weights">x.</param>
    /// <param name="from">w.</param>
    /// <exception cref="IncompatibleWeightsException">They have not one layout.</exception>
    public static NamedArrays Of(NamedArrays weights, NamedArrays from)
    {
        if (from.DifferenceFrom(weights) is { } misfit)
            throw new IncompatibleWeightsException($"There is no difference of two models: {misfit}.");
        var draft = ModelDraft.Like(weights);
        try
        {
            var (x, w) = (new double[Most], new double[Most]);
            for (var i = 0; i < weights.Count; i++)
                Subtract(weights[i], from[i], draft[i], x, w);
            return draft.Finish();
        }
        catch
        {
            draft.Dispose();
            throw;
        }
    }

    private static void Subtract(NamedArray weights, NamedArray from, Span<byte> result, double[] x, double[] w)
    {
        if (!weights.Type.IsFloat())
        {
            weights.Data.Span.CopyTo(result);
            return;
        }
        var width = weights.Type.SizeInBytes();
        for (var at = 0; at < weights.Count; at += Most)
        {
            var count = (int)Math.Min(Most, weights.Count - at);
            var left = x.AsSpan(0, count);
            var right = w.AsSpan(0, count);
            Elements.Widen(weights.Type, weights.Data.Span.Slice(at * width, count * width), left);
            Elements.Widen(weights.Type, from.Data.Span.Slice(at * width, count * width), right);
            TensorPrimitives.Subtract<double>(left, right, left);
            // What is not finite is refused by who combines it.
            Elements.TryNarrow(weights.Type, left, result.Slice(at * width, count * width));
        }
    }
}

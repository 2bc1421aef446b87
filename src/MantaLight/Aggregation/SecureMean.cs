using System.Numerics.Tensors;
using MantaLight.Aggregation.Optimizers;
using MantaLight.Aggregation.Rules;
using MantaLight.SecureAggregation;
using MantaLight.Tasks;
using MantaLight.Weights;

namespace MantaLight.Aggregation;

/// <summary>The mean of contributions of which nobody sees one (see <see cref="SecureSums"/>): the model before, moved by the sum of weighted differences over the sum of the weights. Integers and booleans stay those of the model before.</summary>
internal static class SecureMean
{
    private const int Some = 16 * 1024;

    /// <summary>The mean, and what the round's summary says of it.</summary>
    /// <param name="attempt">The aggregator's.</param>
    /// <param name="world">What it sees.</param>
    /// <param name="before">The model before.</param>
    /// <param name="cancellationToken">Ends it between arrays.</param>
    /// <exception cref="TaskContractException">Too few are left, or what they have revealed does not fit.</exception>
    public static async Task<(NamedArrays Model, AggregationSummary Summary)> RunAsync(SecureAttempt attempt, World world, NamedArrays before, CancellationToken cancellationToken)
    {
        var total = await SecureSums.UnmaskAsync(attempt, world, before, cancellationToken);
        var draft = ModelDraft.Like(before);
        try
        {
            Move(before, total, draft, cancellationToken);
            return (draft.Finish(), AggregationSummary.Of(total.Survivors, total.Vector.Weight, []));
        }
        catch
        {
            draft.Dispose();
            throw;
        }
    }

    private static void Move(NamedArrays before, SecureTotal total, ModelDraft draft, CancellationToken cancellationToken)
    {
        var (starts, moves) = (new double[Some], new double[Some]);
        var place = 0;
        for (var i = 0; i < before.Count; i++)
        {
            var array = before[i];
            if (!array.Type.IsFloat())
            {
                array.Data.Span.CopyTo(draft[i]);
                continue;
            }
            cancellationToken.ThrowIfCancellationRequested();
            var (sums, size, width) = (total.Vector[place++], array.Type.SizeInBytes(), total.Point.Bits / 8);
            for (var done = 0; done < array.Count; done += Some)
            {
                var count = (int)Math.Min(Some, array.Count - done);
                var (start, move) = (starts.AsMemory(0, count), moves.AsMemory(0, count));
                Elements.Widen(array.Type, array.Data.Span.Slice(done * size, count * size), start.Span);
                total.Point.Decode(sums.Span.Slice(done * width, count * width), total.Vector.Weight, move.Span);
                TensorPrimitives.Add<double>(start.Span, move.Span, move.Span);
                if (!Elements.TryNarrow(array.Type, move.Span, draft[i].Slice(done * size, count * size)))
                    throw new TaskContractException($"The mean of '{array.Name}' is beyond what {array.Type.WireName()} can hold.");
            }
        }
    }
}

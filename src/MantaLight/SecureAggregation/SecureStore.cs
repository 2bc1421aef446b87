using System.Numerics.Tensors;
using System.Text.Json;
using MantaLight.Tasks;
using MantaLight.Weights;
using MantaLight.Weights.Sources;

namespace MantaLight.SecureAggregation;

/// <summary>
/// An attempt's effects in a swarm with secure aggregation: what the worker adds as its weights is encoded and masked before it is staged, and no other weights of its leave the node.
/// </summary>
internal sealed class SecureStore(AttemptStore inner, SecureAttempt attempt, Participant? participant, NamedArrays? reference, ulong seed) : AttemptStore, IDisposable
{
    private const int Some = 16 * 1024;

    private SecureOptions Options => attempt.Round.Options;

    public override IReadOnlyCollection<string> GlobalTags => inner.GlobalTags;

    public override Task<T> ReadGlobalJsonAsync<T>(string tag, Func<JsonElement, T> read, CancellationToken cancellationToken) => inner.ReadGlobalJsonAsync(tag, read, cancellationToken);

    public override Task<NamedArrays> ReadGlobalWeightsAsync(string tag, CancellationToken cancellationToken) => inner.ReadGlobalWeightsAsync(tag, cancellationToken);

    public override IReadOnlyList<Result> SelectResults(string tag) => inner.SelectResults(tag);

    public override Task<T> ReadResultJsonAsync<T>(int index, Func<JsonElement, T> read, CancellationToken cancellationToken) => inner.ReadResultJsonAsync(index, read, cancellationToken);

    public override Task<NamedArrays> ReadResultWeightsAsync(int index, CancellationToken cancellationToken) => inner.ReadResultWeightsAsync(index, cancellationToken);

    public override Task<WeightsSource> OpenResultWeightsAsync(int index, CancellationToken cancellationToken) => inner.OpenResultWeightsAsync(index, cancellationToken);

    public override Task<WeightsSource> OpenResultWeightsBesideOthersAsync(int index, CancellationToken cancellationToken) => inner.OpenResultWeightsBesideOthersAsync(index, cancellationToken);

    public override bool HasResultWeights(int index) => inner.HasResultWeights(index);

    public override void StageGlobal(string tag, JsonElement value) => inner.StageGlobal(tag, value);

    public override void StageGlobal(string tag, NamedArrays weights)
    {
        if (attempt.IsWorker)
            throw new TaskContractException($"Task '{attempt.Alias}' would set global '{tag}' to weights of its own: with secure aggregation they leave the node masked, as the result '{Options.Tag}', or not at all.");
        inner.StageGlobal(tag, weights);
    }

    public override void StageResult(string tag, JsonElement value) => inner.StageResult(tag, value);

    public override void StageResult(string tag, NamedArrays weights, long samples)
    {
        if (tag != Options.Tag && !attempt.IsWorker)
        {
            inner.StageResult(tag, weights, samples);
            return;
        }
        if (tag != Options.Tag || participant is null)
            throw new TaskContractException($"Task '{attempt.Alias}' would add weights as '{tag}': with secure aggregation the weights of '{Options.Worker}' leave the node masked, as its result '{Options.Tag}', and no others.");
        // Whoever sees the record sees no number of samples: it is among what is masked.
        inner.StageResult(tag, Mask(weights, samples), samples: 1);
    }

    /// <inheritdoc/>
    public void Dispose() => reference?.Dispose();

    private NamedArrays Mask(NamedArrays weights, long samples)
    {
        if (reference!.DifferenceFrom(weights) is { } difference)
            throw new TaskContractException($"The weights '{Options.Tag}' are not like the global '{Options.Global}': {difference}.");
        if (Options.Weighted && samples > Options.MostSamples)
            throw new TaskContractException($"A contribution of {samples} samples is more than the {Options.MostSamples} that sums have room for: raise 'most_samples' in 'secure_aggregation'.");
        var weight = Options.Weighted ? samples : 1;
        var point = new FixedPoint(Options.Bits, Options.Range, Options.MostWeight, participant!.Contributors);
        var vector = SecureVector.Like(reference, Options.Bits);
        long beyond = 0, first = 0;
        var (values, starts) = (new double[Some], new double[Some]);
        foreach (var (array, before, numbers) in vector.Body(weights, reference))
        {
            for (var done = 0; done < array.Count; done += Some)
            {
                var count = (int)Math.Min(Some, array.Count - done);
                Floats.Widen(array, done, values.AsSpan(0, count));
                Floats.Widen(before, done, starts.AsSpan(0, count));
                TensorPrimitives.Subtract<double>(values.AsSpan(0, count), starts.AsSpan(0, count), values.AsSpan(0, count));
                if (!TensorPrimitives.IsFiniteAll<double>(values.AsSpan(0, count)))
                    throw new TaskContractException($"The weights '{Options.Tag}' have a number that is not finite in '{array.Name}', or begin from one: nothing is sent.");
                beyond += point.Encode(values.AsSpan(0, count), weight, numbers.Span.Slice(done * Options.Bits / 8, count * Options.Bits / 8), seed, first);
                first += count;
            }
        }
        vector.SetHead(weight, beyond);
        participant.Mask(vector.Numbers);
        return vector.ToArrays();
    }
}

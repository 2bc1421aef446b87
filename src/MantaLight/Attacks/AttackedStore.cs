using System.Text.Json;
using MantaLight.Aggregation.Optimizers;
using MantaLight.Aggregation.Rules;
using MantaLight.Tasks;
using MantaLight.Weights;
using MantaLight.Weights.Sources;

namespace MantaLight.Attacks;

/// <summary>An attempt whose weights are corrupted on their way out: differences from the last weights of the same layout that it has read among the globals.</summary>
/// <param name="inner">Where they go.</param>
/// <param name="attack">What becomes of them.</param>
/// <param name="seed">The attempt's.</param>
internal sealed class AttackedStore(AttemptStore inner, ContributionAttack attack, ulong seed) : AttemptStore
{
    private readonly Random random = new(unchecked((int)(seed ^ (seed >> 32))));
    private readonly List<NamedArrays> read = [];

    public override IReadOnlyCollection<string> GlobalTags => inner.GlobalTags;

    public override Task<T> ReadGlobalJsonAsync<T>(string tag, Func<JsonElement, T> read, CancellationToken cancellationToken) => inner.ReadGlobalJsonAsync(tag, read, cancellationToken);

    public override async Task<NamedArrays> ReadGlobalWeightsAsync(string tag, CancellationToken cancellationToken)
    {
        var weights = await inner.ReadGlobalWeightsAsync(tag, cancellationToken);
        read.Add(new NamedArrays(weights.Select(a => new NamedArray(a.Name, a.Type, a.Shape, a.Data.ToArray()))));
        return weights;
    }

    public override IReadOnlyList<Result> SelectResults(string tag) => inner.SelectResults(tag);

    public override Task<T> ReadResultJsonAsync<T>(int index, Func<JsonElement, T> read, CancellationToken cancellationToken) => inner.ReadResultJsonAsync(index, read, cancellationToken);

    public override Task<NamedArrays> ReadResultWeightsAsync(int index, CancellationToken cancellationToken) => inner.ReadResultWeightsAsync(index, cancellationToken);

    public override Task<WeightsSource> OpenResultWeightsAsync(int index, CancellationToken cancellationToken) => inner.OpenResultWeightsAsync(index, cancellationToken);

    public override Task<WeightsSource> OpenResultWeightsBesideOthersAsync(int index, CancellationToken cancellationToken) =>
        inner.OpenResultWeightsBesideOthersAsync(index, cancellationToken);

    public override bool HasResultWeights(int index) => inner.HasResultWeights(index);

    public override void StageGlobal(string tag, JsonElement value) => inner.StageGlobal(tag, value);

    public override void StageGlobal(string tag, NamedArrays weights) => inner.StageGlobal(tag, weights);

    public override void StageResult(string tag, JsonElement value) => inner.StageResult(tag, value);

    public override void StageResult(string tag, NamedArrays weights, long samples)
    {
        using var corrupted = Corrupt(weights);
        inner.StageResult(tag, corrupted, samples);
    }

    private NamedArrays Corrupt(NamedArrays weights)
    {
        var from = read.FindLast(global => global.DifferenceFrom(weights) is null);
        var draft = ModelDraft.Like(weights);
        for (var i = 0; i < weights.Count; i++)
        {
            var array = weights[i];
            if (!array.Type.IsFloat())
            {
                array.Data.Span.CopyTo(draft[i]);
                continue;
            }
            var (start, learnt) = (new double[array.Count], new double[array.Count]);
            if (from is not null)
                Elements.Widen(array.Type, from[i].Data.Span, start);
            Elements.Widen(array.Type, array.Data.Span, learnt);
            System.Numerics.Tensors.TensorPrimitives.Subtract<double>(learnt, start, learnt);
            attack.Corrupt(learnt, random);
            System.Numerics.Tensors.TensorPrimitives.Add<double>(learnt, start, learnt);
            Elements.TryNarrow(array.Type, learnt, draft[i]);
        }
        return draft.Finish();
    }
}

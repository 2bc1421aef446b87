using System.Numerics.Tensors;
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
/// <param name="round">The attempt's.</param>
/// <param name="node">Whose attempt it is.</param>
internal sealed class AttackedStore(AttemptStore inner, ContributionAttack attack, ulong seed, int round, string node) : AttemptStore
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
        using var corrupted = Corrupt(tag, weights);
        inner.StageResult(tag, corrupted, samples);
    }

    private NamedArrays Corrupt(string tag, NamedArrays weights)
    {
        var from = read.FindLast(global => global.DifferenceFrom(weights) is null);
        var starts = weights.Select((array, i) => from is null ? new double[Floats(array)] : Values(from[i])).ToArray();
        var learnt = weights.Select(Values).ToArray();
        for (var i = 0; i < learnt.Length; i++)
            TensorPrimitives.Subtract<double>(learnt[i], starts[i], learnt[i]);
        var known = attack.Colluders?.Tell(round, tag, node, [.. learnt.Select(d => d.ToArray())]) ?? [];
        var draft = ModelDraft.Like(weights);
        for (var i = 0; i < learnt.Length; i++)
        {
            if (!weights[i].Type.IsFloat())
            {
                weights[i].Data.Span.CopyTo(draft[i]);
                continue;
            }
            attack.Corrupt(learnt[i], [.. known.Select(k => k[i])], random);
            TensorPrimitives.Add<double>(learnt[i], starts[i], learnt[i]);
            Elements.TryNarrow(weights[i].Type, learnt[i], draft[i]);
        }
        return draft.Finish();
    }

    // Of integers, which are sent as they are, none.
    private static long Floats(NamedArray array) => array.Type.IsFloat() ? array.Count : 0;

    private static double[] Values(NamedArray array)
    {
        var values = new double[Floats(array)];
        if (values.Length > 0)
            Elements.Widen(array.Type, array.Data.Span, values);
        return values;
    }
}

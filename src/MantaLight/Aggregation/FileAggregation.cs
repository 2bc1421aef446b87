using System.Collections.Immutable;
using MantaLight.Aggregation.Plans;
using MantaLight.Aggregation.Rules;
using MantaLight.Concurrency;
using MantaLight.Weights;
using MantaLight.Weights.Sources;

namespace MantaLight.Aggregation;

/// <summary>The rules of <see cref="Aggregate"/> over models that are in memory.</summary>
public static class FileAggregation
{
    /// <summary>Combines models.</summary>
    /// <param name="plan">How; without an optimizer, whose memory of earlier rounds files do not have.</param>
    /// <param name="models">Each with a name for messages; they stay the caller's.</param>
    /// <param name="weights">How much each weighs where the rule asks for it, at least 1.</param>
    /// <param name="reference">The model before; null where there is none.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>The model, to be disposed, and which were left out, with why.</returns>
    /// <exception cref="InvalidSettingException">The plan needs a reference or more models, or has an optimizer.</exception>
    /// <exception cref="DatasetException">A model has another layout than the first, or elements that are not finite.</exception>
    public static (NamedArrays Result, IReadOnlyList<(string Name, string Reason)> LeftOut) Combine(
        AggregationPlan plan, IReadOnlyList<(string Name, NamedArrays Model)> models, IReadOnlyList<long> weights, NamedArrays? reference, CancellationToken cancellationToken)
    {
        if (plan.Optimizer is { } optimizer)
            throw new InvalidSettingException($"'{optimizer.Text}' is a server's step from round to round; files are combined by a rule alone.");
        if (plan.Rule.Privacy is not null)
            throw new InvalidSettingException($"'{plan.Rule.Text}' accounts for rounds of a swarm, which files are not.");
        if (plan.Adaptive is { } adaptive)
            throw new InvalidSettingException($"'{adaptive.Text}' changes from round to round, which files do not have; take 'clip'.");
        if (plan.Rule.Controls is not null)
            throw new InvalidSettingException($"'{plan.Rule.Text}' goes with control variates that workers keep, which files do not have.");
        if (plan.Rule.Metric is { } metric)
            throw new InvalidSettingException($"'{plan.Rule.Text}' weighs by '{metric}' among nodes' results, which files do not have; say --weights.");
        if (reference is null && plan.NeedsReference)
            throw new InvalidSettingException($"{string.Join(", ", plan.Parts)} starts from the model before: name its file as the reference.");
        if (plan.Rule.TooFew(models.Count) is { } tooFew)
            throw new InvalidSettingException($"{char.ToUpperInvariant(tooFew[0])}{tooFew[1..]}.");
        if (weights.Aggregate((UInt128)0, (sum, weight) => sum + (ulong)weight) > WeightedMean.MaximumSamples)
            throw new InvalidSettingException($"The weights together are more than a mean can weigh exactly ({WeightedMean.MaximumSamples}).");
        foreach (var array in (IReadOnlyList<NamedArray>?)reference ?? [])
        {
            if (Contributions.FlawOf(ArrayHeader.Of(array), array.Data.Span, 0) is { } flaw)
                throw new DatasetException($"The reference: {flaw}");
        }
        // Arrays without their owner, who stays the caller.
        var sources = models.Select(m => WeightsSource.Of(new NamedArrays(m.Model))).ToList();
        using var before = reference is null ? null : WeightsSource.Of(new NamedArrays(reference));
        for (var i = 0; i < models.Count; i++)
        {
            if (WeightsSource.Difference((before ?? sources[0]).Layout, sources[i].Layout) is { } misfit)
                throw new DatasetException($"{models[i].Name} does not fit {(before is null ? models[0].Name : "the reference")}: {misfit}");
            foreach (var array in models[i].Model)
            {
                if (Contributions.FlawOf(ArrayHeader.Of(array), array.Data.Span, 0) is { } flaw)
                    throw new DatasetException($"{models[i].Name}: {flaw}");
            }
        }
        var combined = Combination.Run(plan, new RuleInput(sources, weights, before, Workers.Most) { Clip = plan.Clip }, cancellationToken);
        return (combined.Weights, [.. combined.LeftOut.Select(l => (models[l.Place].Name, l.Reason))]);
    }
}

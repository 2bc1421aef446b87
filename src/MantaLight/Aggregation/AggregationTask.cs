using System.Text.Json;
using MantaLight.Aggregation.Controls;
using System.Text.Json.Serialization;
using MantaLight.Aggregation.Optimizers;
using MantaLight.Aggregation.Plans;
using MantaLight.Aggregation.Rules;
using MantaLight.Concurrency;
using MantaLight.SecureAggregation;
using MantaLight.Tasks;
using MantaLight.Weights;
using MantaLight.Weights.Sources;

namespace MantaLight.Aggregation;

/// <summary>A task that combines contributions by an <see cref="AggregationPlan"/>.</summary>
public abstract class AggregationTask : SwarmTask
{
    private protected AggregationTask()
    {
    }

    /// <summary>Combines, takes the server's step, and sets the globals.</summary>
    /// <param name="plan">How.</param>
    /// <param name="tags">What is combined, and into what.</param>
    /// <param name="cancellationToken">Ends it between blocks.</param>
    /// <exception cref="TaskContractException">There is no contribution, there are too few for the rule, or what the optimizer remembers is of another model.</exception>
    private protected async Task RunAsync(AggregationPlan plan, AggregationOptions tags, CancellationToken cancellationToken)
    {
        var tag = tags.Global;
        if (Secure is { } secure)
        {
            await RunAsync(secure, plan, tags, cancellationToken);
            return;
        }
        var results = World.Results.Select(tags.Contributions);
        if (results.Count == 0 && await SpentBudgets.EndAsync(World, cancellationToken))
            return;
        // Nobody may have taken part in a private round: its noise alone says that as well as any.
        var isEmpty = results.Count == 0 && plan.Rule.Privacy is null;
        if (isEmpty && EmptyRounds.Keeps(World, tags.WhenEmpty, tag))
            return;
        if (isEmpty)
            throw new TaskContractException($"{GetType().Name} has nothing to combine: no task before '{Context.Alias}' added weights as '{tags.Contributions}'. Add them there, or name their tag in the option 'contributions'.");
        using var before = World.Globals.Contains(tag) ? await World.Globals.GetWeightsAsync(tag, cancellationToken) : null;
        foreach (var array in (IReadOnlyList<NamedArray>?)before ?? [])
        {
            if (Contributions.FlawOf(ArrayHeader.Of(array), array.Data.Span, 0) is { } flaw)
                throw new TaskContractException($"The global '{tag}' cannot be gone on from: {flaw}");
        }
        if (before is null && plan.NeedsReference)
            throw new TaskContractException($"[{string.Join(", ", plan.Parts)}] starts from the model before, and there is no global '{tag}'. Set it in the definition's setup task.");
        var spending = plan.Rule.Privacy is { } terms ? await PrivacySpending.BeginAsync(World, terms, Context, cancellationToken) : null;
        var metric = plan.Rule.Metric is { } path ? await MetricsAsync(path, cancellationToken) : null;
        if (!plan.Rule.TakesDifferences && results.FirstOrDefault(r => r.DifferenceFrom is not null) is { } late)
            throw new TaskContractException($"'{late.Tag}' of {late.Node} is a difference from global '{late.DifferenceFrom}' of round {late.Round}, since its task is asynchronous; '{plan.Rule.Text}' takes models. Combine by 'fed_buff'.");
        using var controls = plan.Rule.Controls is { } control ? await ControlRound.OpenAsync(World, tags, control, before!, cancellationToken) : null;
        using var reference = before is null ? null : WeightsSource.Of(new NamedArrays(before));
        using var contributions = await Contributions.OpenAsync(
            results, before is null ? null : [.. before.Select(ArrayHeader.Of)], metric, cancellationToken, controls is null ? null : controls.Objection, (tag, reference));
        var clipping = plan.Adaptive is { } adaptive ? await ClippingState.ReadAsync(World, adaptive, plan.Rule as PrivateMean, tag, cancellationToken) : null;
        var combined = Combine(plan, contributions, reference, clipping, cancellationToken);
        using var weights = combined.Weights;
        if (plan.Optimizer is { } optimizer)
            await StepAsync(optimizer, tag, before!, weights, cancellationToken);
        else
            World.Globals.SetWeights(tag, weights);
        controls?.End(World, contributions.Accepted, Context.Round, cancellationToken);
        World.Results.Add(FedAvg.SummaryTag, Summarize(contributions, combined));
        clipping?.Adapt(World, combined.Lengths, Context.Seed);
        spending?.End(World);
    }

    /// <summary>Where nobody sees a contribution, there is a mean and what follows from it.</summary>
    private async Task RunAsync(SecureAttempt secure, AggregationPlan plan, AggregationOptions tags, CancellationToken cancellationToken)
    {
        if (SecurePlans.Misfit(plan, tags, secure.Round.Options) is { } misfit)
            throw new TaskContractException($"{GetType().Name}: {misfit}.");
        using var before = await World.Globals.GetWeightsAsync(tags.Global, cancellationToken);
        var (mean, summary) = await SecureMean.RunAsync(secure, World, before, cancellationToken);
        using var weights = mean;
        if (plan.Optimizer is { } optimizer)
            await StepAsync(optimizer, tags.Global, before, weights, cancellationToken);
        else
            World.Globals.SetWeights(tags.Global, weights);
        World.Results.Add(FedAvg.SummaryTag, summary);
    }

    /// <summary>A number of each node, among the JSON results of the tasks before.</summary>
    private async Task<NodeMetric> MetricsAsync(string path, CancellationToken cancellationToken)
    {
        var (metric, values) = (new MetricPath(path), new Dictionary<string, double>(StringComparer.Ordinal));
        foreach (var result in World.Results.Select(metric.Tag).Where(r => r.Samples is null))
        {
            try
            {
                if (metric.Read(result.Node, await result.GetAsync<JsonElement>(cancellationToken)) is { } reading)
                    values[result.Node] = reading.Value;
            }
            catch (Exception e) when (e is MalformedDataException or TaskContractException)
            {
                // As if it had told none: who does not is left out, and named.
            }
        }
        return new NodeMetric(path, values);
    }

    private Combined Combine(AggregationPlan plan, Contributions contributions, WeightsSource? reference, ClippingState? clipping, CancellationToken cancellationToken)
    {
        var refused = contributions.Refused;
        var why = refused.Count == 0 ? "" : $" ({refused.Count} did not fit: {string.Join("; ", refused.Take(5).Select(r => $"{r.Node}: {r.Reason}"))})";
        if (contributions.Sources.Count == 0 && plan.Rule.Privacy is null)
            throw new TaskContractException($"{GetType().Name} refused all {refused.Count} contributions{why}.");
        if (plan.Rule.TooFew(contributions.Sources.Count) is { } tooFew)
            throw new TaskContractException($"{char.ToUpperInvariant(tooFew[0])}{tooFew[1..]}{why}. Run more nodes, or expect fewer byzantine ones.");
        var input = new RuleInput(contributions.Sources, [.. contributions.Accepted.Select(r => r.Samples!.Value)], reference, Workers.Most) 
        {
            Metric = contributions.Metric, Staleness = contributions.Staleness(Context.Round), Seed = Context.Seed, Clip = clipping?.Norm ?? plan.Clip, Noise = clipping?.SumNoise,
        };
        return Combination.Run(plan, input, cancellationToken);
    }

    private async Task StepAsync(IServerOptimizer optimizer, string tag, NamedArrays before, NamedArrays combined, CancellationToken cancellationToken)
    {
        var state = new List<NamedArrays>();
        try
        {
            foreach (var (name, initial) in optimizer.State)
            {
                var remembered = $"{tag}_{name}";
                state.Add(World.Globals.Contains(remembered) ? await World.Globals.GetWeightsAsync(remembered, cancellationToken) : ServerStep.Begin(before, initial));
                if (ServerStep.Misfit(before, state[^1]) is { } misfit)
                    throw new TaskContractException($"The global '{remembered}' is not what '{optimizer.Text}' remembers of '{tag}': {misfit}. Give it another tag, or start the swarm anew.");
            }
            using var next = new ServerStep(optimizer).Take(before, combined, state, Context.Round);
            World.Globals.SetWeights(tag, next.Model);
            for (var i = 0; i < next.State.Count; i++)
                World.Globals.SetWeights($"{tag}_{optimizer.State[i].Name}", next.State[i]);
        }
        finally
        {
            state.ForEach(s => s.Dispose());
        }
    }

    private AggregationSummary Summarize(Contributions contributions, Combined combined)
    {
        var left = combined.LeftOut.ToDictionary(l => l.Place, l => l.Reason);
        var kept = contributions.Accepted.Where((_, place) => !left.ContainsKey(place)).ToArray();
        var refused = contributions.Refused.Concat(left.Select(l => new RefusedContribution(contributions.Accepted[l.Key].Node, l.Value))).OrderBy(r => r.Node, StringComparer.Ordinal);
        var summary = AggregationSummary.Of([.. kept.Select(r => r.Node)], kept.Sum(r => r.Samples!.Value), [.. refused]);
        return contributions.Staleness(Context.Round) is { Count: > 0 } ages ? summary with { MeanStaleness = ages.Average(), MaximumStaleness = ages.Max() } : summary;
    }
}

/// <summary>What is combined, and into what.</summary>
public record AggregationOptions : ISecureCombination, ICombiningOptions
{
    /// <summary>The tag under which the tasks before it add their weights.</summary>
    /// <value><c>model_params</c>.</value>
    public string Contributions { get; init; } = "model_params";

    /// <summary>The tag of the global that becomes the next model.</summary>
    /// <value><c>global_model_params</c>.</value>
    public string Global { get; init; } = "global_model_params";

    /// <summary>What becomes of a round to which nobody contributes.</summary>
    /// <value><see cref="EmptyRound.Fail"/>.</value>
    public EmptyRound WhenEmpty { get; init; } = EmptyRound.Fail;

    /// <summary>How they are combined, as far as these options say it.</summary>
    [JsonIgnore]
    internal virtual AggregationPlan? Stacked => null;

    string? ISecureCombination.Misfit(SecureOptions secure) => SecurePlans.Misfit(Stacked, this, secure);

    string? ICombiningOptions.Misfit => Stacked is { Rule.TakesDifferences: true }
        ? null
        : $"{(Stacked is { } plan ? $"'{plan.Rule.Text}'" : "it")} takes models that began with one and the same; only 'fed_buff' weighs by age, as in {{ \"type\": \"FedBuff\" }} or \"aggregate\": [\"fed_buff\"]";
}

/// <summary>A number of each node that a rule weighs by.</summary>
/// <param name="Path">Where it is, as TAG.KEY.</param>
/// <param name="Values">By node id; finite.</param>
internal sealed record NodeMetric(string Path, IReadOnlyDictionary<string, double> Values);

using MantaLight.Aggregation.Plans;
using MantaLight.SecureAggregation;
using MantaLight.Tasks;
using MantaLight.Weights;

namespace MantaLight.Aggregation;

/// <summary>
/// Federated averaging (McMahan et al. 2017, "Communication-Efficient Learning of Deep Networks from Decentralized Data",
/// Algorithm 1): the new global weights are the mean of the contributions, each weighted by its samples.
/// </summary>
/// <remarks>
/// Contributions are read piece by piece: where all of them are on this node already, a block of each at a time; otherwise one
/// after the other in node-id order, the next one being pulled meanwhile. Either way the bits are the same, and memory is at
/// most that of one model in float64, and of two that are packed, unpacked. One that does not fit or is damaged is left out (one that cannot be had is made again) and named in the result
/// <c>aggregation</c>: <c>participants</c>, <c>participant_count</c>, <c>samples</c>, <c>refused</c> (node and reason), <c>refused_count</c>;
/// each list holds at most 16 nodes.
/// </remarks>
[TaskOptions(typeof(FedAvgOptions))]
public sealed class FedAvg : SwarmTask
{
    /// <summary>The tag of the result that tells what was combined.</summary>
    public const string SummaryTag = "aggregation";

    /// <inheritdoc/>
    /// <exception cref="TaskContractException">There is no contribution, or every one was refused.</exception>
    public override async Task RunAsync(CancellationToken cancellationToken)
    {
        var options = TaskJson.Read<FedAvgOptions>(Context.Options, "options of FedAvg");
        if (Secure is { } secure)
        {
            if (((ISecureCombination)options).Misfit(secure.Round.Options) is { } misfit)
                throw new TaskContractException($"FedAvg {misfit}.");
            using var before = await World.Globals.GetWeightsAsync(options.Global, cancellationToken);
            var (next, summary) = await SecureMean.RunAsync(secure, World, before, cancellationToken);
            using (next)
                World.Globals.SetWeights(options.Global, next);
            World.Results.Add(SummaryTag, summary);
            return;
        }
        var contributions = World.Results.Select(options.Contributions);
        if (contributions.Count == 0 && await SpentBudgets.EndAsync(World, cancellationToken))
            return;
        if (contributions.Count == 0 && EmptyRounds.Keeps(World, options.WhenEmpty, options.Global))
            return;
        if (contributions.Count == 0)
        {
            throw new TaskContractException(
                $"FedAvg has nothing to combine: no task before '{Context.Alias}' added weights as '{options.Contributions}'. Add them there, or name their tag in the option 'contributions'.");
        }
        if (contributions.FirstOrDefault(c => c.DifferenceFrom is not null) is { } late)
            throw new TaskContractException($"'{late.Tag}' of {late.Node} is a difference from global '{late.DifferenceFrom}' of round {late.Round}, since its task is asynchronous; FedAvg takes models. Combine by FedBuff.");
        using var mean = await CreateMeanAsync(options.Global, cancellationToken);
        if (await MeanAtOnce.TryRunAsync(contributions, mean, cancellationToken) is { } whole)
        {
            using (whole)
                World.Globals.SetWeights(options.Global, whole);
            World.Results.Add(SummaryTag, AggregationSummary.Of([.. contributions.Select(c => c.Node)], contributions.Sum(c => c.Samples!.Value), []));
            return;
        }
        var fold = new ContributionFold(contributions, mean);
        await fold.RunAsync(cancellationToken);
        if (fold.Participants.Count == 0)
        {
            var refused = fold.Refused;
            throw new TaskContractException(
                $"FedAvg refused all {refused.Count} contributions: {string.Join("; ", refused.Take(5).Select(r => $"{r.Node}: {r.Reason}"))}{(refused.Count > 5 ? "; …" : "")}");
        }
        var samples = mean.Samples;
        using (var weights = mean.Finish())
            World.Globals.SetWeights(options.Global, weights);
        World.Results.Add(SummaryTag, AggregationSummary.Of(fold.Participants, samples, fold.Refused));
    }

    // The current global says what a contribution looks like, so that the first node cannot set another layout.
    private async Task<WeightedMean> CreateMeanAsync(string global, CancellationToken cancellationToken)
    {
        if (!World.Globals.Contains(global))
            return new WeightedMean();
        using var current = await World.Globals.GetWeightsAsync(global, cancellationToken);
        return new WeightedMean(current);
    }
}

/// <summary>Options of <see cref="FedAvg"/>.</summary>
public sealed record FedAvgOptions : ISecureCombination, ICombiningOptions
{
    string? ICombiningOptions.Misfit => "FedAvg takes models that began with one and the same; FedBuff weighs differences by age";

    /// <summary>The tag under which the tasks before it add their weights.</summary>
    /// <value><c>model_params</c>.</value>
    public string Contributions { get; init; } = "model_params";

    /// <summary>The tag of the global that is replaced by their mean.</summary>
    /// <value><c>global_model_params</c>.</value>
    public string Global { get; init; } = "global_model_params";

    /// <summary>What becomes of a round to which nobody contributes.</summary>
    /// <value><see cref="EmptyRound.Fail"/>.</value>
    public EmptyRound WhenEmpty { get; init; } = EmptyRound.Fail;

    string? ISecureCombination.Misfit(SecureOptions secure) =>
        SecurePlans.Misfit(AggregationPlan.Mean, new AggregationOptions { Contributions = Contributions, Global = Global, WhenEmpty = WhenEmpty }, secure);
}

using MantaLight.Concurrency;
using MantaLight.Tasks;
using MantaLight.Weights;

namespace MantaLight.Aggregation;

/// <summary>
/// Federated averaging (McMahan et al. 2017, "Communication-Efficient Learning of Deep Networks from Decentralized Data",
/// Algorithm 1): the new global weights are the mean of the contributions, each weighted by its samples.
/// </summary>
/// <remarks>
/// Contributions are folded in node-id order, the next one being pulled meanwhile, so at most two are in memory beside
/// the mean. One that does not fit or is damaged is left out (one that cannot be had is made again) and named in the result <c>aggregation</c>:
/// <c>participants</c>, <c>participant_count</c>, <c>samples</c>, <c>refused</c> (node and reason), <c>refused_count</c>;
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
        var contributions = World.Results.Select(options.Contributions);
        if (contributions.Count == 0)
        {
            throw new TaskContractException(
                $"FedAvg has nothing to combine: no task before '{Context.Alias}' added weights as '{options.Contributions}'. Add them there, or name their tag in the option 'contributions'.");
        }
        var mean = await CreateMeanAsync(options.Global, cancellationToken);
        var participants = new List<string>();
        var refused = new List<RefusedContribution>();
        await FoldAsync(contributions, mean, participants, refused, cancellationToken);
        if (participants.Count == 0)
        {
            throw new TaskContractException(
                $"FedAvg refused all {refused.Count} contributions: {string.Join("; ", refused.Take(5).Select(r => $"{r.Node}: {r.Reason}"))}{(refused.Count > 5 ? "; …" : "")}");
        }
        using (var weights = mean.ToArrays())
            World.Globals.SetWeights(options.Global, weights);
        World.Results.Add(SummaryTag, AggregationSummary.Of(participants, mean.Samples, refused));
    }

    // The current global says what a contribution looks like, so that the first node cannot set another layout.
    private async Task<WeightedMean> CreateMeanAsync(string global, CancellationToken cancellationToken)
    {
        if (!World.Globals.Contains(global))
            return new WeightedMean();
        using var current = await World.Globals.GetWeightsAsync(global, cancellationToken);
        return new WeightedMean(current);
    }

    private static async Task FoldAsync(
        IReadOnlyList<Result> contributions,
        WeightedMean mean,
        List<string> participants,
        List<RefusedContribution> refused,
        CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var next = PullAsync(contributions[0], stop.Token);
        try
        {
            for (var i = 0; i < contributions.Count; i++)
            {
                var (weights, failure) = await next;
                next = i + 1 < contributions.Count ? PullAsync(contributions[i + 1], stop.Token) : Nothing;
                using (weights)
                {
                    failure ??= TryAdd(mean, weights!, contributions[i].Samples!.Value);
                }
                if (failure is null)
                    participants.Add(contributions[i].Node);
                else
                    refused.Add(new RefusedContribution(contributions[i].Node, failure));
                cancellationToken.ThrowIfCancellationRequested();
            }
        }
        finally
        {
            // Something else failed: what is still being pulled ends before the attempt does.
            await stop.CancelBesideAsync();
            (await IgnoringErrors(next)).Weights?.Dispose();
        }
    }

    private static Task<Pulled> Nothing { get; } = Task.FromResult(default(Pulled));

    private static async Task<Pulled> PullAsync(Result contribution, CancellationToken cancellationToken)
    {
        if (contribution.Samples is null)
            return new Pulled(null, $"'{contribution.Tag}' is a JSON value where weights are expected.");
        try
        {
            return new Pulled(await contribution.GetWeightsAsync(cancellationToken), null);
        }
        catch (Exception e) when (e is MalformedDataException or IncompatibleWeightsException)
        {
            return new Pulled(null, e.Message);
        }
    }

    private static string? TryAdd(WeightedMean mean, NamedArrays weights, long samples)
    {
        if (samples < 1)
            return $"{samples} samples where at least 1 is expected.";
        try
        {
            mean.Add(weights, samples);
            return null;
        }
        catch (IncompatibleWeightsException e)
        {
            return e.Message;
        }
    }

    private static async Task<Pulled> IgnoringErrors(Task<Pulled> pull)
    {
        try
        {
            return await pull;
        }
        catch (Exception)
        {
            return default;
        }
    }

    private readonly record struct Pulled(NamedArrays? Weights, string? Failure);
}

/// <summary>Options of <see cref="FedAvg"/>.</summary>
public sealed record FedAvgOptions
{
    /// <summary>The tag under which the tasks before it add their weights.</summary>
    /// <value><c>model_params</c>.</value>
    public string Contributions { get; init; } = "model_params";

    /// <summary>The tag of the global that is replaced by their mean.</summary>
    /// <value><c>global_model_params</c>.</value>
    public string Global { get; init; } = "global_model_params";
}

using System.Text.Json.Serialization;
using MantaLight.Aggregation.Plans;
using MantaLight.Tasks;

namespace MantaLight.Aggregation;

/// <summary>
/// Combines contributions as the option <c>aggregate</c> says, part by part: <c>["clip 1.0", "trimmed_mean 0.1", "adam lr=0.03"]</c> (see <see cref="AggregationPlan"/>). What an optimizer
/// remembers is committed as globals beside the model, named after it: <c>global_model_params_momentum</c>, <c>global_model_params_variance</c>.
/// </summary>
/// <remarks>
/// All contributions are read together, a block of each at a time; memory is that of some models, however many contribute. Who is left out, by a rule or since a contribution does not fit, is named
/// in the result <c>aggregation</c> with the reason, as <see cref="FedAvg"/> does.
/// </remarks>
[TaskOptions(typeof(AggregateOptions))]
public sealed class Aggregate : AggregationTask
{
    /// <inheritdoc/>
    /// <exception cref="TaskContractException">There is no contribution, there are too few for the rule, or what the optimizer remembers is of another model.</exception>
    public override Task RunAsync(CancellationToken cancellationToken)
    {
        var options = TaskJson.Read<AggregateOptions>(Context.Options, "options of Aggregate");
        return RunAsync(options.Aggregate, options, cancellationToken);
    }
}

/// <summary>Options of <see cref="Aggregate"/>.</summary>
public sealed record AggregateOptions : AggregationOptions
{
    /// <summary>What is done, part by part.</summary>
    /// <value>The mean by samples.</value>
    public AggregationPlan Aggregate { get; init; } = AggregationPlan.Mean;

    [JsonIgnore]
    internal override AggregationPlan? Stacked => Aggregate;
}

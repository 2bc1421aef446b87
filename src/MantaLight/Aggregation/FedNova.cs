using MantaLight.Aggregation.Plans;
using MantaLight.Tasks;

namespace MantaLight.Aggregation;

/// <summary>
/// FedNova (Wang et al. 2020, "Tackling the Objective Inconsistency Problem in Heterogeneous Federated Optimization"): the mean of normalized differences. The part <c>fed_nova</c> of
/// <see cref="Aggregate"/>; <c>TorchWorker</c> tells how far its steps reach as <c>train_metrics.normalizer</c>.
/// </summary>
[TaskOptions(typeof(AggregationOptions))]
public sealed class FedNova : AggregationTask
{
    private static readonly AggregationPlan Plan = AggregationPlan.Parse("fed_nova");

    /// <inheritdoc/>
    /// <exception cref="TaskContractException">There is no contribution, or no global to start from.</exception>
    public override Task RunAsync(CancellationToken cancellationToken) =>
        RunAsync(Plan, TaskJson.Read<AggregationOptions>(Context.Options, "options of FedNova"), cancellationToken);
}

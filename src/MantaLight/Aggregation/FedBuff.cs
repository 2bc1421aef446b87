using System.Globalization;
using System.Text.Json.Serialization;
using MantaLight.Aggregation.Plans;
using MantaLight.Tasks;

namespace MantaLight.Aggregation;

/// <summary>
/// FedBuff (Nguyen et al. 2022, "Federated Learning with Buffered Asynchronous Aggregation", Algorithm 1): w += (η / K) Σ d / √(1 + τ). The part <c>fed_buff</c> of <see cref="Aggregate"/>, behind a task that is
/// <c>asynchronous</c>; behind one that is not, τ is 0.
/// </summary>
[TaskOptions(typeof(FedBuffOptions))]
public sealed class FedBuff : AggregationTask
{
    /// <inheritdoc/>
    /// <exception cref="TaskContractException">There is no contribution, or no global to start from.</exception>
    public override Task RunAsync(CancellationToken cancellationToken)
    {
        var options = TaskJson.Read<FedBuffOptions>(Context.Options, "options of FedBuff");
        return RunAsync(options.Plan, options, cancellationToken);
    }
}

/// <summary>Options of <see cref="FedBuff"/>.</summary>
public sealed record FedBuffOptions : AggregationOptions, IJsonOnDeserialized
{
    /// <summary>η, above 0.</summary>
    /// <value>1.</value>
    public double Lr { get; init; } = 1;

    /// <summary>How a contribution weighs by its age τ: <c>polynomial:A</c> is (1 + τ)^-A, <c>constant</c> is 1.</summary>
    /// <value><c>polynomial:0.5</c>, the paper's.</value>
    public string Staleness { get; init; } = "polynomial:0.5";

    [JsonIgnore]
    internal override AggregationPlan? Stacked => Plan;

    [JsonIgnore]
    internal AggregationPlan Plan => AggregationPlan.Parse(string.Create(CultureInfo.InvariantCulture, $"fed_buff lr={Lr} staleness={Staleness}"));

    /// <summary>Checks the ranges.</summary>
    /// <exception cref="InvalidSettingException">A value is out of its range.</exception>
    public void OnDeserialized() => _ = Plan;
}

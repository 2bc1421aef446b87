using System.Globalization;
using System.Text.Json.Serialization;
using MantaLight.Aggregation.Plans;
using MantaLight.Tasks;

namespace MantaLight.Aggregation;

/// <summary>
/// Federated averaging with server momentum (Hsu, Qi and Brown 2019, "Measuring the Effects of Non-Identical Data Distribution for Federated Visual Classification"): v = β v + D; w += η v. The part <c>momentum</c> of <see cref="Aggregate"/> after a mean by samples.
/// </summary>
[TaskOptions(typeof(FedAvgMOptions))]
public sealed class FedAvgM : AggregationTask
{
    /// <inheritdoc/>
    /// <exception cref="TaskContractException">There is no contribution, or what is remembered is of another model.</exception>
    public override Task RunAsync(CancellationToken cancellationToken)
    {
        var options = TaskJson.Read<FedAvgMOptions>(Context.Options, "options of FedAvgM");
        return RunAsync(options.Plan, options, cancellationToken);
    }
}

/// <summary>Options of <see cref="FedAvgM"/>.</summary>
public sealed record FedAvgMOptions : AggregationOptions, IJsonOnDeserialized
{
    /// <summary>η, above 0.</summary>
    /// <value>1.</value>
    public double Lr { get; init; } = 1;

    /// <summary>β, 0 to below 1.</summary>
    /// <value>0.9.</value>
    public double Beta { get; init; } = 0.9;

    /// <summary>Whether the step looks ahead: w += η (β v + D).</summary>
    /// <value>False.</value>
    public bool Nesterov { get; init; }

    [JsonIgnore]
    internal override AggregationPlan? Stacked => Plan;

    [JsonIgnore]
    internal AggregationPlan Plan => AggregationPlan.Parse(string.Create(CultureInfo.InvariantCulture, $"momentum lr={Lr} beta={Beta} nesterov={(Nesterov ? "true" : "false")}"));

    /// <summary>Checks the ranges.</summary>
    /// <exception cref="InvalidSettingException">A value is out of its range.</exception>
    public void OnDeserialized() => _ = Plan;
}

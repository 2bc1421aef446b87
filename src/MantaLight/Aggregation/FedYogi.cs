using System.Globalization;
using System.Text.Json.Serialization;
using MantaLight.Aggregation.Plans;
using MantaLight.Tasks;

namespace MantaLight.Aggregation;

/// <summary>
/// FedYogi (Reddi et al. 2021, "Adaptive Federated Optimization", Algorithm 2): as FedAdam, with v -= (1 - β2) D² sign(v - D²). The part <c>yogi</c> of <see cref="Aggregate"/> after a mean by samples.
/// </summary>
[TaskOptions(typeof(FedYogiOptions))]
public sealed class FedYogi : AggregationTask
{
    /// <inheritdoc/>
    /// <exception cref="TaskContractException">There is no contribution, or what is remembered is of another model.</exception>
    public override Task RunAsync(CancellationToken cancellationToken)
    {
        var options = TaskJson.Read<FedYogiOptions>(Context.Options, "options of FedYogi");
        return RunAsync(options.Plan, options, cancellationToken);
    }
}

/// <summary>Options of <see cref="FedYogi"/>.</summary>
public sealed record FedYogiOptions : AggregationOptions, IJsonOnDeserialized
{
    /// <summary>η, above 0.</summary>
    /// <value>0.1.</value>
    public double Lr { get; init; } = 0.1;

    /// <summary>β1, 0 to below 1.</summary>
    /// <value>0.9.</value>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>β2, 0 to below 1.</summary>
    /// <value>0.99.</value>
    public double Beta2 { get; init; } = 0.99;

    /// <summary>τ, above 0: how far the step is from being scaled alone.</summary>
    /// <value>0.001.</value>
    public double Tau { get; init; } = 1e-3;

    /// <summary>What v begins with, at least 0.</summary>
    /// <value>τ².</value>
    public double? V0 { get; init; }

    [JsonIgnore]
    internal override AggregationPlan? Stacked => Plan;

    [JsonIgnore]
    internal AggregationPlan Plan => AggregationPlan.Parse(string.Create(CultureInfo.InvariantCulture, $"yogi lr={Lr} beta1={Beta1} beta2={Beta2} tau={Tau} v0={V0 ?? Tau * Tau}"));

    /// <summary>Checks the ranges.</summary>
    /// <exception cref="InvalidSettingException">A value is out of its range.</exception>
    public void OnDeserialized() => _ = Plan;
}

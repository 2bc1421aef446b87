using System.Globalization;
using System.Text.Json.Serialization;
using MantaLight.Aggregation.Plans;
using MantaLight.Tasks;

namespace MantaLight.Aggregation;

/// <summary>
/// FedAdagrad (Reddi et al. 2021, "Adaptive Federated Optimization", Algorithm 2): v += D²; w += η m / (√v + τ). The part <c>adagrad</c> of <see cref="Aggregate"/> after a mean by samples.
/// </summary>
[TaskOptions(typeof(FedAdagradOptions))]
public sealed class FedAdagrad : AggregationTask
{
    /// <inheritdoc/>
    /// <exception cref="TaskContractException">There is no contribution, or what is remembered is of another model.</exception>
    public override Task RunAsync(CancellationToken cancellationToken)
    {
        var options = TaskJson.Read<FedAdagradOptions>(Context.Options, "options of FedAdagrad");
        return RunAsync(options.Plan, options, cancellationToken);
    }
}

/// <summary>Options of <see cref="FedAdagrad"/>.</summary>
public sealed record FedAdagradOptions : AggregationOptions, IJsonOnDeserialized
{
    /// <summary>η, above 0.</summary>
    /// <value>0.1.</value>
    public double Lr { get; init; } = 0.1;

    /// <summary>β1, 0 to below 1.</summary>
    /// <value>0.</value>
    public double Beta1 { get; init; }

    /// <summary>τ, above 0: how far the step is from being scaled alone.</summary>
    /// <value>0.001.</value>
    public double Tau { get; init; } = 1e-3;

    /// <summary>What v begins with, at least 0.</summary>
    /// <value>τ².</value>
    public double? V0 { get; init; }

    [JsonIgnore]
    internal override AggregationPlan? Stacked => Plan;

    [JsonIgnore]
    internal AggregationPlan Plan => AggregationPlan.Parse(string.Create(CultureInfo.InvariantCulture, $"adagrad lr={Lr} beta1={Beta1} tau={Tau} v0={V0 ?? Tau * Tau}"));

    /// <summary>Checks the ranges.</summary>
    /// <exception cref="InvalidSettingException">A value is out of its range.</exception>
    public void OnDeserialized() => _ = Plan;
}

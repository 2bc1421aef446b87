using System.Globalization;
using System.Text.Json.Serialization;
using MantaLight.Aggregation.Plans;
using MantaLight.Tasks;

namespace MantaLight.Aggregation;

/// <summary>
/// SCAFFOLD (Karimireddy et al. 2020, "SCAFFOLD: Stochastic Controlled Averaging for Federated Learning", Algorithm 1): x += (η_g/|S|) Σ (y_i - x); c += (1/N) Σ (c_i⁺ - c_i). The part <c>scaffold</c> of
/// <see cref="Aggregate"/>. Workers need <c>"control_variates": "scaffold"</c> among the hyper-parameters.
/// </summary>
[TaskOptions(typeof(ScaffoldOptions))]
public sealed class Scaffold : AggregationTask
{
    /// <inheritdoc/>
    /// <exception cref="TaskContractException">There is no contribution, no global to start from, or the control variate is of another model.</exception>
    public override Task RunAsync(CancellationToken cancellationToken)
    {
        var options = TaskJson.Read<ScaffoldOptions>(Context.Options, "options of Scaffold");
        return RunAsync(options.Plan, options, cancellationToken);
    }
}

/// <summary>Options of <see cref="Scaffold"/>.</summary>
public sealed record ScaffoldOptions : AggregationOptions, IJsonOnDeserialized
{
    /// <summary>η_g, above 0.</summary>
    /// <value>1.</value>
    public double Lr { get; init; } = 1;

    /// <summary>N, how many participants there are, also those who do not take part in a round; at least 1.</summary>
    /// <value>Null: as many as have taken part so far.</value>
    public int? Participants { get; init; }

    [JsonIgnore]
    internal AggregationPlan Plan => AggregationPlan.Parse(string.Create(CultureInfo.InvariantCulture, $"{ScaffoldPart.Name} lr={Lr}{(Participants is { } all ? $" participants={all}" : "")}"));

    /// <summary>Checks the ranges.</summary>
    /// <exception cref="InvalidSettingException">A value is out of its range.</exception>
    public void OnDeserialized() => _ = Plan;
}

using System.Globalization;
using System.Text.Json;
using MantaLight.Tasks;

namespace MantaLight.Aggregation;

/// <summary>
/// Ends the swarm when a metric, averaged over the nodes by their samples, reaches a threshold; otherwise asks for
/// another round. The result <c>decision</c> tells which, and why.
/// </summary>
/// <remarks>
/// A node's metric is an object with the number and, optionally, <c>samples</c>, its weight. Where no node tells its
/// samples all weigh the same; where some do, those that do not are left out, as are those without a finite number or whose result cannot be had.
/// </remarks>
[TaskOptions(typeof(ThresholdSchedulerOptions))]
public sealed class ThresholdScheduler : SwarmTask
{
    /// <summary>The tag of the result that tells what was decided.</summary>
    public const string DecisionTag = "decision";

    /// <inheritdoc/>
    /// <exception cref="TaskContractException">No node has the metric, or the threshold in the hyper-parameters is no number.</exception>
    public override async Task RunAsync(CancellationToken cancellationToken)
    {
        var options = TaskJson.Read<ThresholdSchedulerOptions>(Context.Options, "options of ThresholdScheduler");
        var metric = new MetricPath(options.Metric);
        var readings = new List<MetricReading>();
        foreach (var result in World.Results.Select(metric.Tag))
        {
            if (await ReadAsync(result, cancellationToken) is { } json && metric.Read(result.Node, json) is { } reading)
                readings.Add(reading);
        }
        var value = MetricReading.MeanOf(readings) ?? throw new TaskContractException(
            $"ThresholdScheduler finds no number '{options.Metric}' among the {World.Results.Select(metric.Tag).Count} results '{metric.Tag}' of the tasks before '{Context.Alias}'. Name the metric as TAG.KEY in the option 'metric'.");
        var threshold = options.Threshold ?? await ReadThresholdAsync(cancellationToken);
        var reached = threshold is { } bound && (options.Goal == ThresholdGoal.AtLeast ? value >= bound : value <= bound);
        var reason = Reason(metric.Name, value, threshold, reached);
        World.Results.Add(DecisionTag, new ScheduleDecision(!reached, reason, options.Metric, value, threshold));
        if (reached)
            World.StopSwarm(reason);
        else
            World.ScheduleNextRound(reason: reason);
    }

    private static async Task<JsonElement?> ReadAsync(Result result, CancellationToken cancellationToken)
    {
        if (result.Samples is not null)
            return null;
        try
        {
            return await result.GetAsync<JsonElement>(cancellationToken);
        }
        catch (MalformedDataException)
        {
            return null;
        }
    }

    private async Task<double?> ReadThresholdAsync(CancellationToken cancellationToken)
    {
        const string global = "hyperparameters";
        const string key = "val_acc_threshold";
        if (!World.Globals.Contains(global))
            return null;
        var json = await World.Globals.GetJsonAsync(global, cancellationToken);
        if (json.ValueKind != JsonValueKind.Object || !json.TryGetProperty(key, out var threshold) || threshold.ValueKind == JsonValueKind.Null)
            return null;
        return threshold.ValueKind == JsonValueKind.Number
            ? threshold.GetDouble()
            : throw new TaskContractException($"The global '{global}' has a {key} that is no number: {threshold.ValueKind}.");
    }

    private static string Reason(string name, double value, double? threshold, bool reached) => string.Create(CultureInfo.InvariantCulture,
        $"{name} {value:0.####} {(threshold, reached) switch
        {
            (null, _) => "has no threshold to reach",
            ({ } bound, true) => $"reached {bound.ToString("0.######", CultureInfo.InvariantCulture)}",
            ({ } bound, false) => $"has not reached {bound.ToString("0.######", CultureInfo.InvariantCulture)}",
        }}");
}

/// <summary>Options of <see cref="ThresholdScheduler"/>.</summary>
public sealed record ThresholdSchedulerOptions
{
    /// <summary>The metric as <c>TAG.KEY</c>: the result's tag and the path of the number in its JSON object.</summary>
    /// <value><c>test_metrics.accuracy</c>.</value>
    public string Metric
    {
        get;
        init => field = MetricPath.IsPath(value)
            ? value
            : throw new ArgumentException($"'{value}' is no metric: write TAG.KEY, as test_metrics.accuracy.");
    } = "test_metrics.accuracy";

    /// <summary>What it must reach.</summary>
    /// <value>Null: <c>val_acc_threshold</c> of the global <c>hyperparameters</c>; without that, rounds go on until their maximum.</value>
    public double? Threshold { get; init; }

    /// <summary>From which side.</summary>
    /// <value><see cref="ThresholdGoal.AtLeast"/>.</value>
    public ThresholdGoal Goal { get; init; } = ThresholdGoal.AtLeast;
}

/// <summary>From which side a metric reaches its threshold.</summary>
public enum ThresholdGoal
{
    /// <summary>From below, as an accuracy.</summary>
    AtLeast,

    /// <summary>From above, as a loss.</summary>
    AtMost,
}

/// <summary>What a scheduler decided; the result <c>decision</c>.</summary>
/// <param name="Continue">Whether it asked for another round.</param>
/// <param name="Reason">Why, for people.</param>
/// <param name="Metric">What it looked at.</param>
/// <param name="Value">The metric's mean over the nodes.</param>
/// <param name="Threshold">What it must reach; null where there is none.</param>
public sealed record ScheduleDecision(bool Continue, string Reason, string Metric, double Value, double? Threshold);

using System.Text.Json;
using MantaLight.Aggregation;
using MantaLight.Metrics;
using MantaLight.Privacy;
using MantaLight.Scheduling.Selection;
using MantaLight.Tasks;

namespace MantaLight.Scheduling;

/// <summary>
/// Puts the tests of all nodes together (the results <c>global_metrics</c> and <c>global_classes</c>), ends the swarm at the first condition of the option <c>stop</c>, and otherwise asks for another
/// round, on the nodes that the option <c>select</c> chooses. The result <c>decision</c> tells which, and why.
/// </summary>
/// <remarks>
/// Reaching a metric ends the swarm as <c>completed</c>. Patience or a budget does so only where there is no metric to be reached; else it ends as <c>stopped</c>. What is counted over rounds is a
/// committed global, so that another node, or a run that is resumed, goes on with it.
/// </remarks>
[TaskOptions(typeof(RoundSchedulerOptions))]
public sealed class RoundScheduler : SwarmTask
{
    private const string PrivacyTag = "privacy";

    // A record's reason may have 500 characters.
    private const int LongestReason = 400;

    /// <inheritdoc/>
    /// <exception cref="TaskContractException">A metric that a condition or the selection looks at is not among the results of the tasks before.</exception>
    public override async Task RunAsync(CancellationToken cancellationToken)
    {
        var options = TaskJson.Read<RoundSchedulerOptions>(Context.Options, "options of RoundScheduler");
        var metrics = await GlobalMetrics.CollectAsync(World, cancellationToken, options.Metrics);
        metrics?.AddTo(World);
        var stop = options.Stop ?? await OfHyperparametersAsync(cancellationToken);
        var facts = new RoundFacts
        {
            Round = Context.Round,
            Metrics = await MetricsAsync(stop, metrics, options.Metrics, cancellationToken),
            Memory = Counted(await MemoryAsync(options.Memory, cancellationToken)),
            Privacy = World.Globals.Contains(PrivacyTag) && stop.All.Any(c => c is EpsilonBudget) ? await World.Globals.GetAsync<PrivacyLedger>(PrivacyTag, cancellationToken) : null,
        };
        var verdicts = stop.All.Select(condition => (Condition: condition, Verdict: condition.Judge(facts))).ToArray();
        if (stop.All.Any(c => c.Remembers))
        {
            World.Globals.Set(options.Memory, facts.Memory with
            {
                Patience = facts.Memory.Patience.Clear().AddRange(verdicts.Where(v => v.Verdict.Patience is not null).Select(v => KeyValuePair.Create(v.Condition.Text, v.Verdict.Patience!))),
            });
        }
        // Of several that end it in the same round what was to be reached counts first.
        if (verdicts.Where(v => v.Verdict.Ends).OrderByDescending(v => v.Condition.IsTarget).FirstOrDefault() is { Condition: not null } last)
            End(last.Verdict.Words, last.Condition.IsTarget || !stop.HasTarget);
        else
            await GoOnAsync(Short(string.Join("; ", verdicts.Select(v => v.Verdict.Words))), options, cancellationToken);
    }

    private void End(string reason, bool converged)
    {
        World.Results.Add(ThresholdScheduler.DecisionTag, new RoundDecision(Continue: false, converged, reason));
        World.StopSwarm(reason, converged);
    }

    private async Task GoOnAsync(string reason, RoundSchedulerOptions options, CancellationToken cancellationToken)
    {
        var (nodes, maximum) = options.Select is { } policy ? await new NodeSelection(policy, World, Context).ChooseAsync(options.Selection, cancellationToken) : default;
        World.Results.Add(ThresholdScheduler.DecisionTag, new RoundDecision(Continue: true, Converged: false, reason) { Select = options.Select?.Text, Nodes = nodes?.Count });
        World.ScheduleNextRound(nodes, reason: reason.Length == 0 ? null : reason, maximum: maximum);
    }

    private SchedulerMemory Counted(SchedulerMemory memory) =>
        Context.Spent is { } spent ? memory.With(spent.Time, spent.Bytes, spent.RoundTime, spent.RoundBytes) : memory;

    private async Task<SchedulerMemory> MemoryAsync(string tag, CancellationToken cancellationToken) =>
        World.Globals.Contains(tag) ? await World.Globals.GetAsync<SchedulerMemory>(tag, cancellationToken) : new SchedulerMemory();

    private async Task<Dictionary<string, double>> MetricsAsync(StopConditions stop, GlobalMetrics? metrics, string tests, CancellationToken cancellationToken)
    {
        var found = new Dictionary<string, double>(StringComparer.Ordinal);
        foreach (var condition in stop.All.Where(c => c.Metric is not null))
        {
            var name = condition.Metric!;
            found[name] = await MetricAsync(name, metrics, tests, cancellationToken) ?? throw new TaskContractException(
                $"RoundScheduler finds no number '{name}' for '{condition.Text}' among the results of the tasks before '{Context.Alias}'. Of all tests together there are: {(metrics is null ? "none" : string.Join(", ", metrics.Values.Keys))}. Name one of them, or one of another result as TAG.KEY, and put the task that adds it into 'after'.");
        }
        return found;
    }

    private async Task<double?> MetricAsync(string name, GlobalMetrics? metrics, string tests, CancellationToken cancellationToken)
    {
        foreach (var prefix in (string[])["", $"{tests}.", $"{GlobalMetrics.Tag}."])
        {
            if (name.StartsWith(prefix, StringComparison.Ordinal) && metrics?.Values.TryGetValue(name[prefix.Length..], out var value) == true)
                return value;
        }
        if (!MetricPath.IsPath(name))
            return null;
        return MetricReading.MeanOf(await new MetricPath(name).OfAllAsync(World, cancellationToken));
    }

    /// <summary>Where a definition has no conditions, what the hyper-parameters say.</summary>
    private async Task<StopConditions> OfHyperparametersAsync(CancellationToken cancellationToken)
    {
        const string global = "hyperparameters";
        if (!World.Globals.Contains(global))
            return StopConditions.Of([]);
        var json = await World.Globals.GetJsonAsync(global, cancellationToken);
        return json.ValueKind == JsonValueKind.Object && json.TryGetProperty("val_acc_threshold", out var threshold) && threshold.ValueKind == JsonValueKind.Number
            ? StopConditions.Of([MetricTarget.AtLeast("accuracy", threshold.GetDouble())])
            : StopConditions.Of([]);
    }

    private static string Short(string text) => text.Length <= LongestReason ? text : $"{text[..LongestReason]}…";
}

/// <summary>Options of <see cref="RoundScheduler"/>.</summary>
public sealed record RoundSchedulerOptions
{
    /// <summary>When the swarm ends.</summary>
    /// <value>Null: at the <c>val_acc_threshold</c> of the global <c>hyperparameters</c>; without that, rounds go on until their maximum.</value>
    public StopConditions? Stop { get; init; }

    /// <summary>Who takes part in the next round.</summary>
    /// <value>Null: as the first task's placement says.</value>
    public SelectionPolicy? Select { get; init; }

    /// <summary>The tag of the nodes' tests.</summary>
    /// <value><c>test_metrics</c>.</value>
    public string Metrics { get; init; } = GlobalMetrics.TestTag;

    /// <summary>The tag of the global that holds what conditions count over rounds.</summary>
    /// <value><c>round_scheduler</c>.</value>
    public string Memory { get; init; } = "round_scheduler";

    /// <summary>The tag of the global that holds what is known of nodes for <see cref="Select"/>.</summary>
    /// <value><c>node_selection</c>.</value>
    public string Selection { get; init; } = "node_selection";
}

/// <summary>What a <see cref="RoundScheduler"/> decided; the result <c>decision</c>.</summary>
/// <param name="Continue">Whether it asked for another round.</param>
/// <param name="Converged">Whether the swarm has come where it was to come.</param>
/// <param name="Reason">Why, for people.</param>
public sealed record RoundDecision(bool Continue, bool Converged, string Reason)
{
    /// <summary>How the next round's nodes are chosen; null where the placement does.</summary>
    public string? Select { get; init; }

    /// <summary>How many are named; null where none is.</summary>
    public int? Nodes { get; init; }
}

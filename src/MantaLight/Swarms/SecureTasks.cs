using System.Collections.Immutable;
using MantaLight.Diagnostics;
using MantaLight.SecureAggregation;

namespace MantaLight.Swarms;

/// <summary>
/// The stages of secure aggregation among a definition's tasks: keys and shares before the worker; the masked sum, consent and what is revealed before the aggregator. A definition says
/// <c>secure_aggregation</c> and has them; one that has been read and written has them spelled out, and is read as the same.
/// </summary>
internal static class SecureTasks
{
    public const string Keys = "secure_keys";
    public const string Shares = "secure_shares";
    public const string Sum = "secure_sum";
    public const string Consent = "secure_consent";
    public const string Reveal = "secure_reveal";

    private static readonly (string Alias, string Type)[] Stages =
        [(Keys, nameof(SecureKeys)), (Shares, nameof(SecureShares)), (Sum, nameof(SecureSum)), (Consent, nameof(SecureConsent)), (Reveal, nameof(SecureReveal))];

    /// <summary>The definition with its stages; as it is where something of it cannot be, which is then a problem.</summary>
    public static SwarmDefinition Expand(SwarmDefinition definition, SwarmProblems problems)
    {
        foreach (var (task, index) in definition.Tasks.Select((t, i) => (t, i)))
        {
            var stage = Array.Find(Stages, s => KnownNames.Plain(s.Type) == KnownNames.Plain(task.Type) || s.Alias == task.Alias);
            if (stage.Alias is not null && (definition.SecureAggregation is null || stage.Alias != task.Alias || KnownNames.Plain(stage.Type) != KnownNames.Plain(task.Type)))
                problems.Add($"$.tasks[{index}]", $"'{stage.Alias}' and {stage.Type} are a stage of secure aggregation, expected it to be left out: 'secure_aggregation' puts it there");
        }
        if (definition.SecureAggregation is not { } secure)
            return definition;
        // As if they were not there, with what waits for them: they are made anew.
        var tasks = Strip(definition).Tasks;
        if (WorkerOf(tasks, secure, problems) is not { } worker || AggregatorOf(tasks, worker, secure, problems) is not { } aggregator)
            return definition;
        if (definition.Codecs.ContainsKey(secure.Tag))
            problems.Add($"$.codecs.{secure.Tag}", "found a codec for weights that leave masked, expected none: masked numbers are as random as can be, and no step makes them smaller. 'bits' in 'secure_aggregation' does (16, 32 or 64)");
        return definition with
        {
            SecureAggregation = secure with { Aggregator = aggregator.Alias },
            Tasks = [.. tasks.SelectMany(t => t.Alias == worker.Alias ? BeforeWorker(t) : t.Alias == aggregator.Alias ? BeforeAggregator(t, worker) : [t])],
        };
    }

    /// <summary>The definition without secure aggregation and its stages.</summary>
    public static SwarmDefinition Strip(SwarmDefinition definition) => definition with
    {
        SecureAggregation = null, Tasks = [.. definition.Tasks.Where(t => !IsStage(t.Alias)).Select(t => t with { After = [.. t.After.Where(a => !IsStage(a))] })],
    };

    /// <summary>The task on whose nodes a stage runs: keys lead all that a node does for itself, the aggregator the sum. Null for one that is placed by itself.</summary>
    public static TaskDefinition? LeaderOf(SwarmDefinition definition, TaskDefinition task)
    {
        if (definition.SecureAggregation is not { } secure)
            return null;
        if (task.Alias == Sum)
            return definition.Find(secure.Aggregator!);
        return task.Alias == secure.Worker || task.Alias is Shares or Consent or Reveal ? definition.Find(Keys) : null;
    }

    /// <summary>Where a round that is asked for from a task begins: with the keys, where that is the worker or a stage.</summary>
    public static string? BeginOf(SwarmDefinition definition, string? alias) =>
        alias is not null && definition.SecureAggregation is { } secure && (alias == secure.Worker || IsStage(alias)) ? Keys : alias;

    private static bool IsStage(string alias) => Array.Exists(Stages, s => s.Alias == alias);

    private static TaskDefinition? WorkerOf(ImmutableArray<TaskDefinition> tasks, SecureOptions secure, SwarmProblems problems)
    {
        const string path = "$.secure_aggregation.worker";
        var worker = tasks.FirstOrDefault(t => t.Alias == secure.Worker);
        if (worker is null)
            problems.Add(path, $"no task has the alias '{secure.Worker}'; expected one of: {KnownNames.List([.. tasks.Select(t => t.Alias)])}");
        else if (worker.Method != PlacementMethod.All || worker.Maximum is { Count: > 0 and < Roster.Least })
            problems.Add(path, $"'{worker.Alias}' runs on fewer than {Roster.Least} nodes, expected a task of method 'all': a sum of fewer hides nothing");
        else if (worker.Asynchronous is not null)
            problems.Add(path, $"'{worker.Alias}' is asynchronous, expected a task with a barrier: masks go out only among those of one and the same round");
        return worker;
    }

    private static TaskDefinition? AggregatorOf(ImmutableArray<TaskDefinition> tasks, TaskDefinition worker, SecureOptions secure, SwarmProblems problems)
    {
        const string path = "$.secure_aggregation.aggregator";
        TaskDefinition[] after = [.. tasks.Where(t => t.After.Contains(worker.Alias))];
        var aggregator = secure.Aggregator is { } alias ? Array.Find(after, t => t.Alias == alias) : after is [var only] ? only : null;
        if (aggregator is null)
        {
            problems.Add(path, $"{(secure.Aggregator is null ? $"{after.Length} tasks come" : $"'{secure.Aggregator}' does not come")} after '{worker.Alias}', expected the alias of the one that combines its weights{(after.Length == 0 ? "" : $", one of: {KnownNames.List([.. after.Select(t => t.Alias)])}")}");
            return null;
        }
        if (aggregator.Method == PlacementMethod.All || aggregator.Maximum is not null)
            problems.Add(path, $"'{aggregator.Alias}' can run on several nodes, expected method 'any' and maximum 1");
        return aggregator;
    }

    private static TaskDefinition[] BeforeWorker(TaskDefinition worker) =>
    [
        Stage(Keys, worker) with { Maximum = worker.Maximum, After = worker.After },
        Stage(Shares, worker) with { After = [Keys] },
        worker with { After = [.. worker.After, Shares] },
    ];

    private static TaskDefinition[] BeforeAggregator(TaskDefinition aggregator, TaskDefinition worker) =>
    [
        Stage(Sum, aggregator) with { Fixed = aggregator.Fixed, After = [worker.Alias] },
        Stage(Consent, worker) with { After = [Sum] },
        Stage(Reveal, worker) with { After = [Sum, Consent] },
        aggregator with { After = [.. aggregator.After, Keys, Shares, Sum, Reveal] },
    ];

    // On machines of the same kind; which of them the leader decides.
    private static TaskDefinition Stage(string alias, TaskDefinition like) => like with
    {
        Alias = alias, Type = Array.Find(Stages, s => s.Alias == alias).Type, Maximum = null, Fixed = false, After = [], Options = default,
    };
}

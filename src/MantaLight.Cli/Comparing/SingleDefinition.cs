using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using MantaLight.Aggregation;
using MantaLight.Swarms;
using MantaLight.Tasks;

namespace MantaLight.Cli.Comparing;

/// <summary>A definition as it is for one participant: the same tasks, seed and hyper-parameters, without what is there because of others.</summary>
internal static class SingleDefinition
{
    private const string Hyperparameters = "hyperparameters";

    // What is among the hyper-parameters because of others: who takes part, how far nobody may drift, who is slow, what is hidden from whom; and an end that would make epochs differ.
    private static readonly string[] OfMany = ["control_option", "control_variates", "dp_sgd", "local_privacy", "participation", "proximal_mu", "stragglers", "val_acc_threshold"];

    // Options of schedulers that end a run before its last round, or choose among participants.
    private static readonly string[] Ends = ["select", "stop", "threshold"];

    /// <summary>Makes it.</summary>
    /// <param name="definition">The federated one.</param>
    /// <param name="catalog">The tasks that there are.</param>
    /// <param name="rounds">So many rounds.</param>
    public static SwarmDefinition Of(SwarmDefinition definition, TaskCatalog catalog, int rounds) => Of(definition.InTheOpen(), rounds, catalog);

    private static SwarmDefinition Of(SwarmDefinition definition, int rounds, TaskCatalog catalog) => definition with
    {
        Globals = definition.Globals.TryGetValue(Hyperparameters, out var json) ? definition.Globals.SetItem(Hyperparameters, Without(json, OfMany)) : definition.Globals,
        // Nothing travels.
        Codecs = definition.Codecs.Clear(),
        Setup = definition.Setup is { } setup ? Anywhere(setup) : null,
        Tasks = [.. definition.Tasks.Select(t => Of(t, catalog))],
        Rounds = definition.Rounds with { Maximum = rounds, MinimumNodes = 1, Quorum = 1.0, OnShortfall = ShortfallPolicy.Stop },
        Start = null,
    };

    private static TaskDefinition Of(TaskDefinition task, TaskCatalog catalog)
    {
        var type = catalog.Resolve(task.Type);
        if (type.Assembly != typeof(SwarmTask).Assembly)
            return Anywhere(task);
        // Rules of robustness, noise and server's steps are for many contributions; of one the mean is that one.
        if (TaskCatalog.OptionsOf(type) is { } options && options.GetProperty(nameof(FedAvgOptions.Contributions)) is not null && options.GetProperty(nameof(FedAvgOptions.Global)) is not null)
            return Anywhere(task) with { Type = nameof(FedAvg), Options = Only(task.Options, "contributions", "global") };
        return Anywhere(task) with { Options = Without(task.Options, Ends) };
    }

    private static TaskDefinition Anywhere(TaskDefinition task) => task with { SpecifiedIds = [], ExceptedIds = [], Asynchronous = null };

    private static JsonElement Without(JsonElement json, string[] members) => Kept(json, name => !members.Contains(name, StringComparer.Ordinal));

    private static JsonElement Only(JsonElement json, params string[] members) => Kept(json, name => members.Contains(name, StringComparer.Ordinal));

    private static JsonElement Kept(JsonElement json, Predicate<string> isKept)
    {
        if (json.ValueKind != JsonValueKind.Object)
            return json;
        var kept = new JsonObject();
        foreach (var member in json.EnumerateObject().Where(m => isKept(m.Name)))
            kept[member.Name] = JsonNode.Parse(member.Value.GetRawText());
        return kept.Count == 0 ? default : JsonElement.Parse(kept.ToJsonString());
    }
}

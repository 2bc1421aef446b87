using System.Text.Json;
using MantaLight.Protocol;
using MantaLight.SecureAggregation;
using MantaLight.Swarms;

namespace MantaLight.Nodes;

/// <summary>
/// Whether an attempt's weights are to leave masked, by the definition that the node has itself: no coordinator can have them otherwise, nor a task run that the definition does not have.
/// </summary>
internal static class SecureDuty
{
    /// <summary>The round's secure aggregation; null in a swarm without.</summary>
    /// <param name="definition">The swarm's, as this node knows it; null where it knows none.</param>
    /// <param name="hash">Its hash.</param>
    /// <param name="swarm">The swarm.</param>
    /// <param name="schedule">What the node is asked for.</param>
    /// <param name="node">This node.</param>
    /// <param name="vault">Its secrets.</param>
    /// <exception cref="TaskContractException">It is not what the definition says.</exception>
    public static SecureAttempt? Of(SwarmDefinition? definition, string? hash, string swarm, ScheduleAttempt schedule, string node, SecretVault vault)
    {
        if (definition?.SecureAggregation is not { } options)
            return null;
        if (!schedule.Run.StartsWith($"{hash![..16]}-", StringComparison.Ordinal))
            throw new TaskContractException($"Run {schedule.Run} is not of the definition of '{swarm}' that this node knows, whose weights leave masked: nothing is done for it.");
        if (definition.Find(schedule.Alias) is not { } task || task.Type != schedule.TaskType || schedule.Module != definition.Module || !SameOptions(task.Options, schedule.Options))
            throw new TaskContractException($"Task '{schedule.Alias}' of type '{schedule.TaskType}' with these options is not in the definition of '{swarm}', whose weights leave masked: it is not run.");
        return new SecureAttempt(new SecureRound(swarm, schedule.Run, schedule.Round, options), node, schedule.Alias, vault);
    }

    private static bool SameOptions(JsonElement defined, JsonElement? told) => defined.ValueKind == JsonValueKind.Undefined
        ? told is null
        : told is { } options && JsonElement.DeepEquals(defined, options);
}

using System.Collections.Immutable;
using MantaLight.Protocol;
using MantaLight.Swarms;

namespace MantaLight.Coordination;

/// <summary>
/// Tells the node that is likely to combine results of each as it is made, so that it pulls them while slower nodes still train. Nothing rests on it:
/// what is lost, or told to a node that then does not get the task, costs a transfer at most.
/// </summary>
internal static class Foresight
{
    /// <summary>Takes note that a result is there.</summary>
    public static void Completed(Turn turn, TaskRound task, string producer, TaskCompleted record)
    {
        ImmutableArray<ScheduledInput> inputs =
            [.. record.Results.Where(r => r.Content.Blob is { HoldsWeights: true }).Select(r => new ScheduledInput { Node = producer, Alias = task.Task.Alias, Staged = r })];
        if (inputs.IsEmpty)
            return;
        foreach (var next in turn.State.Definition.Tasks.Where(t => t.After.Contains(task.Task.Alias) && Placement.IsForOneNode(t)))
        {
            if (HostOf(turn, next) is { } host && host != producer)
            {
                turn.Do(new CoordinatorAction.FetchAhead(host, new FetchAhead
                {
                    Run = turn.State.Run.ToString(), Term = turn.State.Term, Swarm = turn.State.Swarm, Round = turn.State.Round, Alias = next.Alias, Inputs = inputs,
                }));
            }
        }
    }

    /// <summary>
    /// The node that a task would be placed on now; found once a round while that node is there, or, where there is none, while the members are the same,
    /// since it is asked for with each result.
    /// </summary>
    private static string? HostOf(Turn turn, TaskDefinition next)
    {
        var state = turn.State;
        if (state.Tasks.GetValueOrDefault(next.Alias) is not { Phase: TaskPhase.Pending })
            return null;
        if (state.Foreseen.TryGetValue(next.Alias, out var known) && known.Round == state.Round
            && (known.Host is { } there ? state.Members.GetValueOrDefault(there) is { Online: true } : known.Members == state.Members))
        {
            return known.Host;
        }
        var host = Placement.Choose(state, next) is [var chosen] ? chosen : null;
        turn.State = state with { Foreseen = state.Foreseen.SetItem(next.Alias, new ForeseenHost(state.Round, host, state.Members)) };
        return host;
    }
}

/// <summary>Where a task is likely to run.</summary>
/// <param name="Round">In which round.</param>
/// <param name="Host">The node; null for none.</param>
/// <param name="Members">Those among whom it was found; for comparison by reference.</param>
internal sealed record ForeseenHost(int Round, string? Host, ImmutableSortedDictionary<string, Member> Members);

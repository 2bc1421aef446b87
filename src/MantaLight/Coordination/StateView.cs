using System.Collections.Immutable;
using MantaLight.Protocol;

namespace MantaLight.Coordination;

/// <summary>The coordinator's state as it is published.</summary>
internal static class StateView
{
    public static SwarmState Of(CoordinatorState state)
    {
        var total = state.Traffic.Total;
        return StateSize.Fit(new SwarmState
        {
            Run = state.Run.ToString(),
            Term = state.Term,
            Swarm = state.Swarm,
            Definition = state.Run.Definition,
            Start = state.Run.Start,
            Counted = state.Counted,
            Status = state.Paused && !state.Status.IsFinal() ? RunStatus.Paused : state.Status,
            Reason = state.Reason,
            Waiting = state.Waiting,
            Regrouping = state.IsCold && !state.Status.IsFinal(),
            Round = state.Round,
            MaximumRounds = state.Definition.Rounds.Maximum,
            Codecs = ScheduleMessages.Codecs(state.Definition),
            FromAlias = state.FromAlias,
            FromNodes = state.FromNodes,
            FromMaximum = state.FromMaximum,
            // A round's tasks in the definition's order; the sorted dictionary would order them by alias.
            Tasks = [.. state.Definition.Tasks.Prepend(state.Definition.Setup).Where(t => t is not null && state.Tasks.ContainsKey(t.Alias)).Select(t => View(state, state.Tasks[t!.Alias]))],
            Globals = [.. state.Globals.Values],
            Replaced = state.Replaced,
            Tags = [.. state.EffectiveGlobals().Select(g => g.Tag)],
            LeftOut = Absences.View(state),
            Retiring = state.Retiring,
            History = state.History,
            BytesUp = total.Up,
            BytesDown = total.Down,
            Seconds = Math.Round(state.Seconds, 3),
        });
    }

    private static TaskState View(CoordinatorState state, TaskRound task) => new()
    {
        Alias = task.Task.Alias,
        Phase = task.Phase,
        Placed = task.Placed.Count + task.Unseen.Count,
        Completed = task.Counts.Completed,
        Nodes = [.. task.Placed.Keys.Take(TaskState.MaximumListed)],
        NodeKeys = task.Placed.Count <= TaskState.MaximumListed && task.Unseen.IsEmpty ? null : Protocol.NodeKeys.Write(
            task.Placed.Values.Where(a => task.Phase != TaskPhase.Committed || a.Phase != AttemptPhase.Failed).Select(a => Protocol.NodeKeys.Of(a.Node)).Concat(task.Unseen)),
        Troubles = Troubles(task),
        Again = task.Again,
        Next = task.Next,
        Counted = AttemptGroups.Counted(task),
        InFlight = AttemptGroups.InFlight(state, task),
        RecentSeconds = [.. task.Recent.Select(t => Math.Round(t.TotalSeconds, 3))],
    };

    public static ImmutableArray<NodeTrouble> Troubles(TaskRound task)
    {
        var open = task.Placed.Values.Where(a => a.Trouble is not null).Select(a => new NodeTrouble { Node = a.Node, Reason = Short(a.Trouble!), LateSeconds = a.LateSeconds });
        var left = task.LeftOut.Values.Select(l => l with { Reason = Short(l.Reason) });
        return [.. left.Concat(open).Take(TaskState.MaximumListed)];
    }

    private static string Short(string text) => text.Length <= 300 ? text : string.Concat(text.AsSpan(0, 299), "…");
}

using System.Collections.Immutable;
using MantaLight.Protocol;
using MantaLight.Swarms;

namespace MantaLight.Coordination;

/// <summary>A task whose attempts have all ended and too few of which have completed.</summary>
internal static class Shortfall
{
    /// <summary>How many nodes must complete the task.</summary>
    public static int NeededOf(CoordinatorState state, TaskRound task)
    {
        var quorum = state.Definition.Rounds.Quorum;
        var total = Math.Min(task.Total, Asynchrony.BufferOf(task));
        if (quorum <= 1)
            return Math.Max(1, (int)Math.Ceiling((quorum * total) - 1e-9));
        return task.Task.Method == PlacementMethod.All ? Math.Min(Placement.Least(state, task.Task), task.Task.Asynchronous?.Buffer ?? int.MaxValue) : (int)Math.Min(quorum, total);
    }

    /// <summary>Whether it is still to be seen if the task meets its quorum.</summary>
    public static bool IsOpen(Turn turn, TaskRound task)
    {
        var needed = NeededOf(turn.State, task);
        var awaited = task.Open + (AwaitsUnseen(turn, task) ? task.Unseen.Count : 0);
        return task.Counts.Completed < needed && task.Counts.Completed + awaited >= needed;
    }

    /// <summary>Whoever has not been seen yet has the whole deadline, as those have who are known to be away.</summary>
    public static bool AwaitsUnseen(Turn turn, TaskRound task) => !task.Unseen.IsEmpty && turn.Now < task.Since + task.Deadline;

    /// <summary>When the task is tried again, where its definition has it wait.</summary>
    public static DateTimeOffset NextTry(TaskRound task) => task.Placed.Values.Max(a => a.Deadline);

    /// <summary>Does what the definition says; false where there is nothing to do yet.</summary>
    public static bool Meet(Turn turn, TaskRound task)
    {
        if (turn.State.Definition.Rounds.OnShortfall == ShortfallPolicy.Wait)
            return TryAgain(turn, task);
        SkipOrStop(turn, Explain(turn.State, task));
        return true;
    }

    /// <summary>Does what the definition says where too few nodes are there to begin a task; false where they are waited for.</summary>
    public static bool MeetUnplaced(Turn turn, TaskRound task, Func<string> reason)
    {
        var rounds = turn.State.Definition.Rounds;
        // As long as a node that is away within the task.
        if (rounds.OnShortfall == ShortfallPolicy.Wait || turn.Now < task.Since + rounds.Deadline)
            return false;
        SkipOrStop(turn, $"{reason()}; nobody else came in {rounds.Deadline:c}");
        return true;
    }

    private static void SkipOrStop(Turn turn, string reason)
    {
        if (turn.State.Definition.Rounds.OnShortfall == ShortfallPolicy.Skip && turn.State.Round > 0)
            Skip(turn, reason);
        else
            RunEnd.End(turn, RunStatus.Failed, $"round {turn.State.Round}, {reason}");
    }

    /// <summary>A new attempt and a new deadline, in full, for whoever has not completed; not before the old ones have passed.</summary>
    private static bool TryAgain(Turn turn, TaskRound task)
    {
        if (turn.State.Paused || turn.Now < NextTry(task))
            return false;
        // Those who are missing are not known by name: they take part when they come.
        if (task.LeftOut.IsEmpty && task.Counts.Failed == 0)
            return false;
        foreach (var left in task.LeftOut.Keys)
            task = task.With(new Attempt { Node = left });
        foreach (var failed in task.Placed.Values.Where(a => a.Phase == AttemptPhase.Failed))
            task = task.With(failed with { Phase = AttemptPhase.Waiting, Deadline = default, Failures = 0, Overruns = 0 });
        turn.Put(task with
        {
            Deadline = turn.State.Definition.Rounds.Deadline,
            LeftOut = CoordinatorState.Ordered<NodeTrouble>(),
            // What a node lacked it may have by now.
            Unfit = ImmutableDictionary<string, string>.Empty,
        });
        turn.Dirty = true;
        return true;
    }

    /// <summary>Gives the round up; the next one begins as it did.</summary>
    public static void Skip(Turn turn, string reason)
    {
        AttemptFlow.CancelAll(turn, $"round {turn.State.Round} was given up: {reason}", alsoAsynchronous: false);
        var request = new NextRequest { Alias = turn.State.FromAlias, Nodes = turn.State.FromNodes, Maximum = turn.State.FromMaximum };
        RoundFlow.Close(turn, RoundSummaries.OfSkipped(turn.State, reason, turn.Now));
        foreach (var task in turn.State.Tasks.Values.Where(t => t.Task.Asynchronous is not null))
            turn.Put(Asynchrony.Reopened(turn.State, task));
        var rounds = turn.State.Definition.Rounds.Maximum;
        if (turn.State.Round < rounds)
            RoundFlow.StartRound(turn, turn.State.Round + 1, request);
        else if (turn.State.History.All(round => round.Skipped is not null))
            RunEnd.End(turn, RunStatus.Failed, $"every round was given up; the last one: {reason}");
        else
            RunEnd.End(turn, RunStatus.Completed, $"all {rounds} rounds done, the last one was given up: {reason}");
    }

    private static string Explain(CoordinatorState state, TaskRound task)
    {
        var troubles = string.Join("; ", StateView.Troubles(task).Select(t => $"{t.Node}: {t.Reason}"));
        return $"task '{task.Task.Alias}': {task.Counts.Completed} of {task.Total} nodes completed where {NeededOf(state, task)} are needed ({troubles}){(Waits.Missed(state) is { } missed ? $"; {missed}" : "")}";
    }
}

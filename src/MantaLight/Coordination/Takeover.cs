using System.Collections.Immutable;
using MantaLight.Protocol;
using MantaLight.Swarms;

namespace MantaLight.Coordination;

/// <summary>How a successor picks up a run: what was committed from the state, what was under way from the members.</summary>
internal static class Takeover
{
    private const int MaximumNamed = 5;

    public static void GoOn(Turn turn, SwarmState retained)
    {
        var state = turn.State;
        var globals = CoordinatorState.Ordered<GlobalEntry>().ToBuilder();
        foreach (var entry in retained.Globals)
            globals[entry.Tag] = entry;
        var total = new Flow(retained.BytesUp, retained.BytesDown);
        turn.State = state with
        {
            // A paused run, or one that had ended and whose owner wants it to go on, is in neither condition of those two.
            Status = retained.Round == (state.Definition.Start?.Round ?? 0) ? RunStatus.Starting : RunStatus.Running,
            Paused = retained.Status == RunStatus.Paused,
            TookOver = turn.Now,
            IsCold = state.IsCold || retained.Regrouping,
            Retiring = retained.Retiring,
            Replaced = retained.Replaced,
            Round = retained.Round,
            SetUp = retained.Round > 0,
            FromAlias = retained.FromAlias,
            FromNodes = retained.FromNodes,
            FromMaximum = retained.FromMaximum is > 0 and <= int.MaxValue ? retained.FromMaximum : null,
            Seconds = double.IsFinite(retained.Seconds) ? Math.Max(0, retained.Seconds) : 0,
            Globals = globals.ToImmutable(),
            ReadIn = AttemptGroups.Reads(retained),
            Absences = Absences.Read(retained),
            History = retained.History,
            RollCallUntil = turn.Now + state.Timing.RollCall,
            Traffic = state.Traffic with { Inherited = total, AtRoundStart = total },
        };
        foreach (var before in retained.Tasks)
        {
            if (state.Definition.Find(before.Alias) is { } task)
                turn.Put(GoOn(turn, task, before, retained));
        }
        if (retained.Run != turn.State.Run.ToString())
            Asynchrony.Leave(turn);
        turn.State = turn.State with { Uncalled = [.. state.Members.Where(m => m.Value.Online).Select(m => m.Key)] };
        CallNext(turn);
        turn.Dirty = true;
    }

    private static TaskRound GoOn(Turn turn, TaskDefinition task, TaskState before, SwarmState retained)
    {
        var isCommitted = before.Phase == TaskPhase.Committed;
        var left = CoordinatorState.Ordered<NodeTrouble>();
        if (isCommitted)
            left = left.SetItems(before.Troubles.Select(t => KeyValuePair.Create(t.Node, t)));
        var placed = PlacedBefore(turn.State, task, before);
        if (task.Fixed && !placed.IsEmpty)
            turn.State = turn.State with { FixedPlacement = turn.State.FixedPlacement.SetItem(task.Alias, placed) };
        var round = TaskRound.Of(task, placed.Where(node => !left.ContainsKey(node)), turn.State.Round) with
        {
            // What was running is started again after the roll call, for those who do not report it.
            Phase = before.Phase == TaskPhase.Running ? TaskPhase.Pending : before.Phase,
            LeftOut = left,
            Unseen = task.Method == PlacementMethod.All && (turn.State.IsCold || !isCommitted) ? Regrouping.Unseen(before, placed) : [],
            CommittedAt = turn.Now,
            Again = before.Again,
            Next = before.Next,
            Recent = [.. Deadlines.Read(before)],
        };
        if (task.Asynchronous is null)
            return round;
        // Nodes have let go of what they did for another start.
        return retained.Run == turn.State.Run.ToString() ? AttemptGroups.Read(turn.State, round, before, turn.Now + Deadlines.Of(turn.State, round))
            : TaskRound.Of(task, [], turn.State.Round) with { Phase = round.Phase, Recent = round.Recent };
    }

    /// <summary>Where the predecessor had placed the task; of very many nodes, by their keys.</summary>
    private static ImmutableArray<string> PlacedBefore(CoordinatorState state, TaskDefinition task, TaskState before)
    {
        if (before.Placed <= before.Nodes.Length)
            return [.. before.Nodes.Distinct().Order(StringComparer.Ordinal)];
        return NodeKeys.Read(before.NodeKeys) is { } keys
            ? [.. state.Members.Keys.Where(node => keys.Contains(NodeKeys.Of(node)))]
            : Placement.Choose(state, task);
    }

    /// <summary>Calls those whose turn it is: a window of members at once and as many in each second after that, since all of them answer.</summary>
    private static void CallNext(Turn turn)
    {
        while (!turn.State.Uncalled.IsEmpty && turn.State.Called < ScheduleWindow.Size * (1 + (turn.Now - turn.State.TookOver!.Value).TotalSeconds))
        {
            turn.State = turn.State with
            {
                Uncalled = turn.State.Uncalled.Dequeue(out var node), Called = turn.State.Called + 1, RollCallUntil = turn.Now + turn.State.Timing.RollCall,
            };
            CallRoll(turn, node);
        }
    }

    /// <summary>Calls a member that is back while reports are still waited for.</summary>
    public static void MemberIsBack(Turn turn, string node)
    {
        Regrouping.MemberIsBack(turn, node);
        if ((turn.State.RollCallUntil is not null && !turn.State.Uncalled.Contains(node)) || IsAwaited(turn.State, node))
            CallRoll(turn, node);
    }

    // What it has begun before this coordinator came goes on, or is begun anew where it does not tell.
    private static bool IsAwaited(CoordinatorState state, string node) => state.TookOver is not null && state.Tasks.Values.Any(
        t => t.Task.Asynchronous is not null && t.Placed.GetValueOrDefault(node) is { Phase: AttemptPhase.Accepted, Id.Length: 0 });

    private static void CallRoll(Turn turn, string node) => turn.Do(new CoordinatorAction.CallRoll(node, new RollCall
    {
        Run = turn.State.Run.ToString(), Term = turn.State.Term, Swarm = turn.State.Swarm,
    }));

    /// <summary>Whether reports are still waited for; where not any more, the run goes on with what was reported.</summary>
    public static bool IsCallingRoll(Turn turn)
    {
        var state = turn.State;
        if (state.RollCallUntil is null)
            return false;
        if (!state.Status.IsFinal())
            CallNext(turn);
        state = turn.State;
        var until = state.RollCallUntil!.Value;
        if (!state.Status.IsFinal() && turn.Now < until)
        {
            turn.Blocked = () => "the roll call: members tell the new coordinator what they have done and are doing";
            return true;
        }
        var missing = Missing(state).ToArray();
        if (!state.Status.IsFinal() && Regrouping.IsWaiting(turn, missing))
            return true;
        // What cannot be made again is waited for as long as a node may take for it.
        var patience = missing.Any(t => t.Task.Asynchronous is not null) ? state.Definition.Rounds.Deadline : state.Timing.Patience - state.Timing.RollCall;
        if (!state.Status.IsFinal() && missing.Length > 0 && turn.Now - until < patience)
        {
            var nodes = missing.SelectMany(t => t.Placed.Values.Where(a => a.IsOpen)).Select(a => a.Node).Distinct().Order(StringComparer.Ordinal);
            turn.Blocked = () => $"committed results of {Placement.List(nodes, MaximumNamed)} are not reported yet";
            return true;
        }
        // What was committed and is not to be had is made again: the same seed gives the same bits.
        foreach (var task in missing.Where(t => turn.State.Tasks.GetValueOrDefault(t.Task.Alias) == t))
            MakeAgain(turn, task);
        turn.State = turn.State with { RollCallUntil = null };
        Regrouping.End(turn);
        turn.Dirty = true;
        return false;
    }

    /// <summary>Committed tasks with results that nobody has reported, and that are needed to schedule what follows.</summary>
    private static IEnumerable<TaskRound> Missing(CoordinatorState state) => state.Tasks.Values.Where(
        task => IsUnreported(task) && state.Tasks.Values.Any(
            next => next.Phase is TaskPhase.Pending or TaskPhase.Running && next.Task.After.Contains(task.Task.Alias)
                && (next.Placed.IsEmpty || next.Counts.Waiting > 0)));

    private static bool IsUnreported(TaskRound task) => task.Phase == TaskPhase.Committed && (task.Open > 0 || !task.Unseen.IsEmpty);

    private static void MakeAgain(Turn turn, TaskRound task)
    {
        if (task.Task.Asynchronous is not null)
        {
            Asynchrony.Forgo(turn, task, task.Placed.Values.Where(a => a.IsOpen).Select(a => a.Node), "its record was not told to the new coordinator");
            return;
        }
        turn.Put(task with { Phase = TaskPhase.Pending, Again = true });
        turn.Dirty = true;
    }

    /// <summary>
    /// Has inputs made again that nobody has reported and that a new attempt needs; false where there are none. Attempts under way
    /// had theirs from the predecessor.
    /// </summary>
    public static bool MakesInputsAgain(Turn turn)
    {
        foreach (var task in turn.State.Tasks.Values.Where(t => t.Phase == TaskPhase.Running && t.Counts.Waiting > 0))
        {
            var missing = task.Task.After.Select(alias => turn.State.Tasks.GetValueOrDefault(alias)).OfType<TaskRound>().Where(IsUnreported).ToArray();
            if (missing.Length == 0)
                continue;
            foreach (var before in missing)
                MakeAgain(turn, before);
            // Where nothing is left of what it reads, the round is given up.
            if (turn.State.Tasks.GetValueOrDefault(task.Task.Alias) == task)
                turn.Put(task with { Phase = TaskPhase.Pending });
            return true;
        }
        return false;
    }

    /// <summary>A member's report of an attempt that a predecessor had scheduled.</summary>
    public static void Adopt(Turn turn, TaskRound task, TaskUpdate update)
    {
        if (!task.Placed.TryGetValue(update.From, out var attempt) || task.LeftOut.ContainsKey(update.From))
            return;
        var number = AttemptId.NumberOf(update.Attempt);
        // Told again: what has become of it since stands, and one failure counts once.
        if (attempt.Id == update.Attempt || number < attempt.Number || attempt.Phase == AttemptPhase.Completed)
            return;
        turn.Put(task.Task.Alias, attempt with
        {
            Number = number,
            Id = update.Attempt,
            Incarnation = update.Incarnation,
            Deadline = attempt.Deadline == default ? turn.Now + Deadlines.Of(turn.State, task) : attempt.Deadline,
            LastSent = turn.Now,
            Phase = AttemptPhase.Accepted,
        });
    }

    /// <summary>A record of a task that was committed before this coordinator came: wanted as input of what follows. False where it is not one.</summary>
    public static bool Report(Turn turn, TaskRound task, TaskCompleted record)
    {
        if (!task.Placed.TryGetValue(record.From, out var attempt) || !attempt.IsOpen)
            return false;
        if (RecordCheck.ProblemOf(record, task.IsOnOneNode) is not null)
            return true;
        turn.Put(task.With(attempt with
        {
            Number = Math.Max(attempt.Number, AttemptId.NumberOf(record.Attempt)),
            Id = record.Attempt,
            Incarnation = record.Incarnation,
            Phase = AttemptPhase.Completed,
            Record = record,
        }));
        return true;
    }
}

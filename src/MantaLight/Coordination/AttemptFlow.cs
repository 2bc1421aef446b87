using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using MantaLight.Protocol;
using MantaLight.Swarms;

namespace MantaLight.Coordination;

/// <summary>The life of attempts: scheduled, accepted, completed or failed, repeated, moved, given up.</summary>
internal static class AttemptFlow
{
    private const int MaximumTrouble = 1000;

    public static void Schedule(Turn turn, string alias, Attempt attempt)
    {
        var state = turn.State;
        var number = attempt.Number + 1;
        attempt = attempt with
        {
            Number = number,
            Id = AttemptId.Of(state.Run, state.Round, alias, attempt.Node, number),
            Phase = AttemptPhase.Scheduled,
            Incarnation = state.Members.GetValueOrDefault(attempt.Node)?.Presence.Incarnation ?? "",
            // One deadline for the task on this node, however often it is lost or repeated: a round must end.
            Deadline = attempt.Deadline == default ? turn.Now + state.Definition.Rounds.Deadline : attempt.Deadline,
            LastSent = turn.Now,
        };
        turn.Put(alias, attempt);
        turn.Do(new CoordinatorAction.Schedule(attempt.Node, Message(turn, alias, attempt)));
    }

    public static void Cancel(Turn turn, Attempt attempt, string reason) => turn.Do(new CoordinatorAction.Cancel(attempt.Node, new CancelAttempt
    {
        Run = turn.State.Run.ToString(), Term = turn.State.Term, Swarm = turn.State.Swarm, Attempt = attempt.Id, Reason = reason,
    }));

    public static void UpdateSeen(Turn turn, TaskUpdate update)
    {
        var state = turn.State;
        if (update.Run != state.Run.ToString())
            return;
        turn.State = state with { Traffic = state.Traffic.Note(update.From, update.Incarnation, new Flow(update.BytesSent, update.BytesReceived)) };
        if (update.Round != state.Round || !state.Tasks.TryGetValue(update.Alias, out var task))
            return;
        if (state.RollCallUntil is not null)
            Takeover.Adopt(turn, task, update);
        task = turn.Task(update.Alias);
        if (!task.Placed.TryGetValue(update.From, out var attempt) || !attempt.IsOpen || !IsOf(turn, ref attempt, update))
            return;
        switch (update)
        {
            case TaskAccepted when attempt.Phase == AttemptPhase.Scheduled:
                turn.Put(update.Alias, attempt with { Phase = AttemptPhase.Accepted, Incarnation = update.Incarnation });
                break;
            case TaskRunning:
                turn.Put(update.Alias, attempt with { Phase = AttemptPhase.Accepted });
                break;
            case TaskCompleted completed:
                Complete(turn, task, attempt, completed);
                break;
            case TaskFailed failed:
                Fail(turn, task, attempt, $"{failed.Error}: {failed.Message}", failed.Retryable);
                break;
        }
    }

    /// <summary>Whether the update is of this attempt, or of a later one that a predecessor had scheduled on the node: that one then counts.</summary>
    private static bool IsOf(Turn turn, ref Attempt attempt, TaskUpdate update)
    {
        if (attempt.Id == update.Attempt)
            return true;
        var number = AttemptId.NumberOf(update.Attempt);
        if (number <= attempt.Number || update.Attempt != AttemptId.Of(turn.State.Run, turn.State.Round, update.Alias, update.From, number))
            return false;
        attempt = attempt with { Number = number, Id = update.Attempt, Phase = AttemptPhase.Accepted, Incarnation = update.Incarnation };
        turn.Put(update.Alias, attempt);
        return true;
    }

    /// <summary>Lost schedule messages, lost nodes, and deadlines.</summary>
    public static void CheckTimes(Turn turn)
    {
        foreach (var alias in turn.State.Tasks.Values.Where(t => t.Phase == TaskPhase.Running).Select(t => t.Task.Alias).ToArray())
        {
            foreach (var attempt in turn.Task(alias).Placed.Values.Where(a => a.IsOpen))
                CheckTimes(turn, turn.Task(alias), attempt);
        }
    }

    private static void CheckTimes(Turn turn, TaskRound task, Attempt attempt)
    {
        var state = turn.State;
        var alias = task.Task.Alias;
        var member = state.Members.GetValueOrDefault(attempt.Node);
        if (attempt.Deadline <= turn.Now)
        {
            Cancel(turn, attempt, "its deadline has passed");
            turn.Put(alias, attempt with { Phase = AttemptPhase.Failed, Trouble = $"the deadline of {state.Definition.Rounds.Deadline:c} passed" });
            turn.Dirty = true;
        }
        else if (member is { Online: true } && member.Presence.Incarnation != attempt.Incarnation)
        {
            // It was killed and is back: what it was doing died with it, and is done again with the same seed.
            if (turn.Now - member.Since >= state.Timing.RollCall)
                Schedule(turn, alias, attempt);
        }
        else if (member is null or { Online: false } && (member is null || turn.Now - member.Since >= state.Timing.Offline))
        {
            if (task.Task.Method == PlacementMethod.Any && Placement.Replacement(state, task) is { } other)
                Move(turn, task, attempt, other);
            else if (attempt.Trouble is null)
                Trouble(turn, alias, attempt, "offline");
        }
        else if (attempt.Phase == AttemptPhase.Scheduled && turn.Now - attempt.LastSent >= state.Timing.Resend)
        {
            turn.Put(alias, attempt with { LastSent = turn.Now });
            turn.Do(new CoordinatorAction.Schedule(attempt.Node, Message(turn, alias, attempt)));
        }
    }

    private static void Complete(Turn turn, TaskRound task, Attempt attempt, TaskCompleted record)
    {
        if (RecordCheck.ProblemOf(record, maySetGlobals: task.Placed.Count == 1) is { } problem)
            Fail(turn, task, attempt, $"its record was refused: {problem}", retryable: false);
        else
            turn.Put(record.Alias, attempt with { Phase = AttemptPhase.Completed, Record = record, Trouble = null });
    }

    private static void Fail(Turn turn, TaskRound task, Attempt attempt, string trouble, bool retryable)
    {
        var failures = attempt.Failures + 1;
        attempt = attempt with { Failures = failures, Trouble = trouble.Length <= MaximumTrouble ? trouble : trouble[..MaximumTrouble] };
        turn.Dirty = true;
        if (!retryable || failures > turn.State.Definition.Rounds.Retries)
            turn.Put(task.Task.Alias, attempt with { Phase = AttemptPhase.Failed });
        else if (task.Task.Method == PlacementMethod.Any && Placement.Replacement(turn.State, task) is { } other)
            Move(turn, task, attempt, other);
        else
            Schedule(turn, task.Task.Alias, attempt);
    }

    private static void Move(Turn turn, TaskRound task, Attempt attempt, string other)
    {
        var alias = task.Task.Alias;
        // Not in LeftOut: the node may be needed again, and the count of nodes stays what it was. The number goes on, since
        // the node may have an attempt of that number from before.
        turn.Put(task with { Placed = task.Placed.Remove(attempt.Node) });
        turn.Dirty = true;
        Schedule(turn, alias, new Attempt { Node = other, Number = attempt.Number, Deadline = attempt.Deadline, Failures = attempt.Failures, Trouble = attempt.Trouble });
    }

    private static void Trouble(Turn turn, string alias, Attempt attempt, string trouble)
    {
        turn.Put(alias, attempt with { Trouble = trouble });
        turn.Dirty = true;
    }

    private static ScheduleAttempt Message(Turn turn, string alias, Attempt attempt)
    {
        var state = turn.State;
        var round = turn.Task(alias);
        var task = round.Task;
        return new ScheduleAttempt
        {
            Run = state.Run.ToString(),
            Term = state.Term,
            Round = state.Round,
            MaximumRounds = state.Definition.Rounds.Maximum,
            Alias = alias,
            TaskType = task.Type,
            Module = state.Definition.Module,
            Options = task.Options.ValueKind == JsonValueKind.Undefined ? null : task.Options,
            Attempt = attempt.Id,
            Number = attempt.Number,
            Seed = Seed(state, task, attempt.Node),
            Threads = state.Definition.Threads,
            TimeoutSeconds = (attempt.Deadline - turn.Now).TotalSeconds,
            MaySetGlobals = round.Placed.Count == 1,
            Globals = state.EffectiveGlobals(),
            Inputs = Inputs(state, task),
        };
    }

    // 53 bits, so that every JSON reader has the same number. A task for one node has the same seed wherever it is placed:
    // the loss of its host must not change the model.
    private static ulong Seed(CoordinatorState state, TaskDefinition task, string node) => Rendezvous.Hash(
        state.Definition.Seed.ToString(CultureInfo.InvariantCulture),
        state.Round.ToString(CultureInfo.InvariantCulture),
        task.Alias,
        Placement.IsForOneNode(task) ? "" : node) >> 11;

    private static ImmutableArray<ScheduledInput> Inputs(CoordinatorState state, TaskDefinition task) =>
    [
        .. task.After
            .Select(alias => state.Tasks.GetValueOrDefault(alias))
            .OfType<TaskRound>()
            .SelectMany(t => t.Placed.Values.Where(a => a.Record is not null).SelectMany(
                a => a.Record!.Results.Select(r => new ScheduledInput { Node = a.Node, Alias = t.Task.Alias, Staged = r })))
            .OrderBy(i => i.Node, StringComparer.Ordinal)
            .ThenBy(i => i.Alias, StringComparer.Ordinal)
            .ThenBy(i => i.Staged.Tag, StringComparer.Ordinal),
    ];
}

/// <summary>The names of attempts: unique over all runs of a swarm.</summary>
internal static class AttemptId
{
    public static string Of(RunId run, int round, string alias, string node, int number) =>
        string.Create(CultureInfo.InvariantCulture, $"{run}.{round}.{alias}.{node}.{number}");

    /// <summary>The attempt's number; 0 where the text is no such name.</summary>
    public static int NumberOf(string id) =>
        int.TryParse(id.AsSpan(id.LastIndexOf('.') + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;
}

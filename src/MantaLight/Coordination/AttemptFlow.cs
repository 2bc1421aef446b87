using MantaLight.Protocol;
using MantaLight.Swarms;

namespace MantaLight.Coordination;

/// <summary>The life of attempts: scheduled, accepted, completed or failed, repeated, moved, given up.</summary>
internal static class AttemptFlow
{
    private const string Offline = "offline";

    /// <summary>Sends the node its next attempt.</summary>
    public static void Schedule(Turn turn, string alias, Attempt attempt)
    {
        var state = turn.State;
        var number = attempt.Number + 1;
        var task = turn.Task(alias);
        if (task.Task.Asynchronous is not null && attempt.Round != state.Round)
        {
            // It begins anew; a successor must know with which globals.
            attempt = attempt with { Round = state.Round, Deadline = default };
            turn.Dirty = true;
        }
        attempt = attempt with
        {
            Number = number,
            Id = AttemptId.Of(state.Run, state.Round, alias, attempt.Node, number),
            Phase = AttemptPhase.Scheduled,
            Incarnation = state.Members.GetValueOrDefault(attempt.Node)?.Presence.Incarnation ?? "",
            Began = turn.Now,
            // One deadline for the task on this node, however often it is lost or fails: a round must end.
            Deadline = attempt.Deadline == default ? turn.Now + Deadlines.Of(state, task, attempt) + ScheduleWindow.SpreadOf(task) : attempt.Deadline,
            LastSent = turn.Now,
            Progress = null,
        };
        turn.Put(alias, attempt);
        turn.Do(new CoordinatorAction.Schedule(attempt.Node, ScheduleMessages.Of(turn, alias, attempt)));
    }

    public static void Cancel(Turn turn, Attempt attempt, string reason) => turn.Do(new CoordinatorAction.Cancel(attempt.Node, new CancelAttempt
    {
        Run = turn.State.Run.ToString(), Term = turn.State.Term, Swarm = turn.State.Swarm, Attempt = attempt.Id, Reason = reason,
    }));

    /// <summary>Cancels whatever is under way.</summary>
    public static void CancelAll(Turn turn, string reason, bool alsoAsynchronous = true)
    {
        var tasks = turn.State.Tasks.Values.Where(t => alsoAsynchronous || t.Task.Asynchronous is null);
        foreach (var attempt in tasks.SelectMany(t => t.Placed.Values.Concat(t.Carried.Values)).Where(a => a.Phase is AttemptPhase.Scheduled or AttemptPhase.Accepted))
            Cancel(turn, attempt, reason);
    }

    public static void UpdateSeen(Turn turn, TaskUpdate update)
    {
        var state = turn.State;
        if (update.Run != state.Run.ToString())
            return;
        if (update is TaskAbandoned abandoned)
        {
            RunEnd.Retire(turn, abandoned.Blob);
            return;
        }
        turn.State = state with { Traffic = state.Traffic.Note(update.From, update.Incarnation, new Flow(update.BytesSent, update.BytesReceived)) };
        if (!state.Tasks.TryGetValue(update.Alias, out var task) || !IsTaken(turn, task, update))
            return;
        if (task.Phase == TaskPhase.Committed)
        {
            if (update is TaskCompleted record && !Takeover.Report(turn, task, record))
                LateRecords.Note(turn, task, record);
            return;
        }
        if (state.RollCallUntil is not null)
            Takeover.Adopt(turn, task, update);
        task = turn.Task(update.Alias);
        if (!task.Placed.TryGetValue(update.From, out var attempt))
            return;
        if (!attempt.IsOpen)
            TakeInTime(turn, task, attempt, update);
        else if (IsOf(turn, ref attempt, update))
            Take(turn, task, attempt, update);
    }

    /// <summary>Whether it is about an attempt that can count in this round; what counts later, or not any more, is taken note of.</summary>
    private static bool IsTaken(Turn turn, TaskRound task, TaskUpdate update)
    {
        if (task.Task.Asynchronous is null)
        {
            if (update.Round != turn.State.Round)
                LateRecords.NoteOld(turn, update);
            return update.Round == turn.State.Round;
        }
        if (task.Placed.GetValueOrDefault(update.From) is { } own && own.Round == update.Round)
            return true;
        Asynchrony.CarriedSeen(turn, task, update);
        return false;
    }

    private static void Take(Turn turn, TaskRound task, Attempt attempt, TaskUpdate update)
    {
        // What is to be sent anew takes nothing from the attempt before but a record.
        var isUnderWay = attempt.Phase is AttemptPhase.Scheduled or AttemptPhase.Accepted;
        switch (update)
        {
            case TaskAccepted when attempt.Phase == AttemptPhase.Scheduled:
                turn.Put(update.Alias, Accepted(attempt) with { Incarnation = update.Incarnation });
                break;
            case TaskRunning running when isUnderWay:
                // It may overtake the word that the attempt was accepted.
                turn.Put(update.Alias, Accepted(attempt) with { Incarnation = update.Incarnation, Progress = double.IsFinite(running.Progress) ? Math.Clamp(running.Progress, 0, 1) : null });
                break;
            case TaskCompleted completed:
                Complete(turn, task, attempt, completed);
                break;
            case TaskFailed { Error: TaskFailed.DeadlinePassed } when isUnderWay:
                AttemptFailure.Overrun(turn, task, attempt);
                break;
            // As good as killed: done again when it is back, or elsewhere.
            case TaskFailed { Error: TaskFailed.Stopping } when isUnderWay:
                break;
            case TaskFailed { Missing.IsEmpty: false } failed when isUnderWay && MissingInputs.MakeAgain(turn, task, attempt, failed):
                break;
            case TaskFailed failed when isUnderWay:
                AttemptFailure.Fail(turn, task, attempt, $"{failed.Error}: {failed.Message}", failed.Retryable, failed.Local ? failed.Incarnation : null);
                break;
        }
    }

    private static Attempt Accepted(Attempt attempt) =>
        attempt with { Phase = AttemptPhase.Accepted, Trouble = attempt.Trouble == Offline ? null : attempt.Trouble };

    /// <summary>Whether the update is of this attempt, or of a later one that a predecessor had scheduled on the node: that one then counts.</summary>
    private static bool IsOf(Turn turn, ref Attempt attempt, TaskUpdate update)
    {
        if (attempt.Id == update.Attempt)
            return true;
        var number = AttemptId.NumberOf(update.Attempt);
        if (number <= attempt.Number || update.Attempt != AttemptId.Of(turn.State.Run, update.Round, update.Alias, update.From, number))
            return false;
        attempt = attempt with
        {
            Number = number, Id = update.Attempt, Phase = AttemptPhase.Accepted, Incarnation = update.Incarnation, Began = null,
            Deadline = attempt.Deadline == default ? turn.Now + Deadlines.Of(turn.State, turn.Task(update.Alias)) : attempt.Deadline,
        };
        turn.Put(update.Alias, attempt);
        return true;
    }

    /// <summary>A record that comes after its deadline and before the commit is as good as any other.</summary>
    private static void TakeInTime(Turn turn, TaskRound task, Attempt attempt, TaskUpdate update)
    {
        if (attempt.Phase == AttemptPhase.Failed && update is TaskCompleted record && record.Attempt == attempt.Id
            && RecordCheck.ProblemOf(record, task.IsOnOneNode) is null)
        {
            Complete(turn, task, attempt, record);
        }
    }

    /// <summary>Lost schedule messages, lost nodes, and deadlines.</summary>
    public static void CheckTimes(Turn turn)
    {
        foreach (var task in turn.State.Tasks.Values.Where(t => t.Phase == TaskPhase.Running && t.Open > 0))
        {
            foreach (var node in task.Placed.Values.Where(a => a.IsOpen).Select(a => a.Node))
            {
                // As it is now: one that fails for good can end others.
                var now = turn.Task(task.Task.Alias);
                if (now.Placed.TryGetValue(node, out var attempt) && attempt.IsOpen)
                    CheckTimes(turn, now, attempt);
            }
        }
    }

    private static void CheckTimes(Turn turn, TaskRound task, Attempt attempt)
    {
        var state = turn.State;
        var alias = task.Task.Alias;
        var member = state.Members.GetValueOrDefault(attempt.Node);
        if (attempt.IsPastDeadline(turn.Now))
        {
            Cancel(turn, attempt, "its deadline has passed");
            AttemptFailure.Overrun(turn, task, attempt);
        }
        else if (member is null or { Online: false })
        {
            if (!Placement.IsAway(state, attempt.Node, turn.Now))
                return;
            if (task.Task.Method == PlacementMethod.Any && Placement.Replacement(state, task) is { } other)
                AttemptFailure.Move(turn, task, attempt, other);
            else if (attempt.Trouble is null)
                Tell(turn, alias, attempt, Offline);
        }
        else if (attempt.Phase is AttemptPhase.Waiting or AttemptPhase.Resting)
        {
            if (attempt.Phase == AttemptPhase.Resting && attempt.RestsUntil <= turn.Now)
                turn.Put(alias, attempt with { Phase = AttemptPhase.Waiting });
        }
        else if (member.Presence.Incarnation != attempt.Incarnation)
        {
            // It was killed and is back: what it was doing died with it, and is done again with the same seed.
            if (turn.Now - member.Since >= state.Timing.RollCall)
                turn.Put(alias, attempt with { Phase = AttemptPhase.Waiting });
        }
        else if (attempt.Phase == AttemptPhase.Scheduled && turn.Now - attempt.LastSent >= state.Timing.Resend && task.Task.Asynchronous is not null && attempt.Round != state.Round)
        {
            // Nobody has heard of it, and its globals have been replaced.
            turn.Put(alias, attempt with { Phase = AttemptPhase.Waiting });
        }
        else if (attempt.Phase == AttemptPhase.Scheduled && turn.Now - attempt.LastSent >= state.Timing.Resend)
        {
            turn.Put(alias, attempt with { LastSent = turn.Now });
            turn.Do(new CoordinatorAction.Schedule(attempt.Node, ScheduleMessages.Of(turn, alias, attempt)));
        }
    }

    private static void Complete(Turn turn, TaskRound task, Attempt attempt, TaskCompleted record)
    {
        if (RecordCheck.ProblemOf(record, task.IsOnOneNode) is { } problem)
        {
            AttemptFailure.Fail(turn, task, attempt, $"its record was refused: {problem}", retryable: false);
            return;
        }
        turn.Put(record.Alias, attempt with { Phase = AttemptPhase.Completed, Record = record, Trouble = null });
        Deadlines.Note(turn, record.Alias, attempt, record);
        Foresight.Completed(turn, task, attempt.Node, record);
        AttemptFailure.GiveUpLate(turn, turn.Task(record.Alias));
    }

    private static void Tell(Turn turn, string alias, Attempt attempt, string trouble)
    {
        turn.Put(alias, attempt with { Trouble = trouble });
        turn.News = true;
    }
}

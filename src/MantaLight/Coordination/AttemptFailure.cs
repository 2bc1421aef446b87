using MantaLight.Protocol;
using MantaLight.Swarms;

namespace MantaLight.Coordination;

/// <summary>What becomes of attempts that fail or take too long: repeated after a pause, given to another node, given up.</summary>
internal static class AttemptFailure
{
    private const int MaximumTrouble = 1000;
    private const int MaximumRest = 16;

    /// <summary>Repeats an attempt, there or elsewhere, as often as the definition says; else it has failed for good.</summary>
    /// <param name="turn">The step.</param>
    /// <param name="task">Its task.</param>
    /// <param name="attempt">The attempt.</param>
    /// <param name="trouble">What went wrong.</param>
    /// <param name="retryable">Whether it could fare better the next time.</param>
    /// <param name="unfit">The incarnation of its node where that alone lacks something: a task that any node can do is tried on each once.</param>
    public static void Fail(Turn turn, TaskRound task, Attempt attempt, string trouble, bool retryable, string? unfit = null)
    {
        trouble = trouble.Length <= MaximumTrouble ? trouble : trouble[..MaximumTrouble];
        turn.News = true;
        if (unfit is not null && task.Task.Method == PlacementMethod.Any)
        {
            task = task with { Unfit = task.Unfit.SetItem(attempt.Node, unfit) };
            turn.Put(task);
            // Who is away is waited for until the deadline, as always, or until another one comes.
            if ((Placement.Replacement(turn.State, task) ?? Placement.ReplacementAway(turn.State, task)) is { } fit)
            {
                Move(turn, task, attempt with { Trouble = $"{trouble} on {attempt.Node}" }, fit);
                return;
            }
        }
        attempt = attempt with { Failures = attempt.Failures + 1, Trouble = trouble };
        if (!retryable || attempt.Failures + attempt.Overruns > turn.State.Definition.Rounds.Retries)
            GiveUp(turn, task, attempt);
        else if (task.Task.Method == PlacementMethod.Any && Placement.Replacement(turn.State, task) is { } other)
            Move(turn, task, Rested(turn, attempt), other);
        else
            turn.Put(task.Task.Alias, Rested(turn, attempt));
    }

    /// <summary>Repeated at once for the first time, then after longer and longer pauses: what hinders it may pass, as a full disk does.</summary>
    private static Attempt Rested(Turn turn, Attempt attempt) => attempt.Failures <= 1
        ? attempt with { Phase = AttemptPhase.Waiting }
        : attempt with { Phase = AttemptPhase.Resting, RestsUntil = turn.Now + TimeSpan.FromSeconds(Math.Min(MaximumRest, Math.Pow(2, attempt.Failures - 2))) };

    /// <summary>
    /// Where it is still needed it is repeated with the definition's whole deadline: what hangs once may not the next time, and a task that any
    /// node can do is given to the next one. Where enough others have completed, the round goes on without the late; and who is away is waited
    /// for until the deadline alone.
    /// </summary>
    public static void Overrun(Turn turn, TaskRound task, Attempt attempt)
    {
        var rounds = turn.State.Definition.Rounds;
        if (task.Task.Method == PlacementMethod.Any)
        {
            task = task with { Overran = task.Overran.Add(attempt.Node) };
            turn.Put(task);
        }
        var trouble = $"the deadline of {Deadlines.Of(turn.State, task, attempt):c} passed";
        // Given to who was away because of what another one lacks, which is the news.
        if (attempt.Trouble is { } before && !task.Unfit.IsEmpty && turn.State.Members.GetValueOrDefault(attempt.Node) is not { Online: true })
            trouble = $"{before}, and {trouble}";
        var again = attempt with { Phase = AttemptPhase.Waiting, Deadline = default, Overruns = attempt.Overruns + 1, Trouble = trouble };
        var other = task.Task.Method == PlacementMethod.Any ? Placement.Replacement(turn.State, task) : null;
        // What rests after an error has had its time.
        var canGoOn = attempt.Phase is AttemptPhase.Scheduled or AttemptPhase.Accepted && turn.State.Members.GetValueOrDefault(attempt.Node) is { Online: true };
        if (!Shortfall.IsOpen(turn, task) || again.Failures + again.Overruns > rounds.Retries || (other is null && !canGoOn))
        {
            Fail(turn, task, attempt, trouble, retryable: false);
            return;
        }
        turn.News = true;
        if (other is null)
            turn.Put(task.With(again));
        else
            Move(turn, task, again with { Trouble = $"{trouble} on {attempt.Node}" }, other);
    }

    private static void GiveUp(Turn turn, TaskRound task, Attempt attempt)
    {
        turn.Put(task.With(attempt with { Phase = AttemptPhase.Failed }));
        GiveUpLate(turn, turn.Task(task.Task.Alias));
    }

    /// <summary>Goes on without those who are late, as soon as enough others have completed, or cannot any more: they had their deadline.</summary>
    public static void GiveUpLate(Turn turn, TaskRound task)
    {
        // Asked at each record of a task, which has thousands: hardly ever is one late.
        if (task.Counts.Late == 0 || task.Task.Asynchronous is not null || Shortfall.IsOpen(turn, task))
            return;
        foreach (var late in task.Placed.Values.Where(a => a is { IsOpen: true, IsLate: true }))
        {
            AttemptFlow.Cancel(turn, late, "the round goes on without it");
            turn.Put(task.Task.Alias, late with { Phase = AttemptPhase.Failed, Deadline = turn.Now });
        }
    }

    /// <summary>Gives an attempt to another node.</summary>
    public static void Move(Turn turn, TaskRound task, Attempt attempt, string other)
    {
        turn.Put(Moved(task, attempt, other));
        // A successor must know where it is.
        turn.Dirty = true;
    }

    /// <summary>
    /// The task with an attempt given to another node. The first is not left out: it may be needed again, and the count of nodes
    /// stays what it was. The number goes on, since the node may have an attempt of that number from before.
    /// </summary>
    public static TaskRound Moved(TaskRound task, Attempt attempt, string other) => task.Without(attempt.Node).With(new Attempt
    {
        Node = other,
        Number = attempt.Number,
        Phase = attempt.Phase == AttemptPhase.Resting ? AttemptPhase.Resting : AttemptPhase.Waiting,
        RestsUntil = attempt.RestsUntil,
        Deadline = attempt.Deadline,
        Overruns = attempt.Overruns,
        Failures = attempt.Failures,
        Trouble = attempt.Trouble,
    });
}

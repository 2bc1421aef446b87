using MantaLight.Protocol;
using MantaLight.Swarms;

namespace MantaLight.Coordination;

/// <summary>What becomes of attempts that fail or take too long: repeated after a pause, given to another node, given up.</summary>
internal static class AttemptFailure
{
    private const int MaximumTrouble = 1000;
    private const int MaximumRest = 16;

    /// <summary>Repeats an attempt, there or elsewhere, as often as the definition says; else it has failed for good.</summary>
    public static void Fail(Turn turn, TaskRound task, Attempt attempt, string trouble, bool retryable)
    {
        var failures = attempt.Failures + 1;
        attempt = attempt with { Failures = failures, Trouble = trouble.Length <= MaximumTrouble ? trouble : trouble[..MaximumTrouble] };
        turn.News = true;
        if (!retryable || failures > turn.State.Definition.Rounds.Retries)
            turn.Put(task.Task.Alias, attempt with { Phase = AttemptPhase.Failed });
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
    /// What hangs on one node may not on another: a task that any can do, and that is needed, is given to the next one, with the definition's
    /// whole deadline. What is placed on all nodes ends with the deadline, and the round goes on without the late.
    /// </summary>
    public static void Overrun(Turn turn, TaskRound task, Attempt attempt)
    {
        var rounds = turn.State.Definition.Rounds;
        if (task.Task.Method == PlacementMethod.Any)
        {
            task = task with { Overran = task.Overran.Add(attempt.Node) };
            turn.Put(task);
        }
        var isNeeded = task.Counts.Completed < Shortfall.NeededOf(turn.State, task);
        if (task.Task.Method == PlacementMethod.Any && isNeeded && attempt.Failures < rounds.Retries && Placement.Replacement(turn.State, task) is { } other)
        {
            turn.News = true;
            var trouble = $"the deadline of {task.Deadline:c} passed on {attempt.Node}";
            Move(turn, task with { Deadline = rounds.Deadline }, attempt with { Phase = AttemptPhase.Waiting, Deadline = default, Failures = attempt.Failures + 1, Trouble = trouble }, other);
        }
        else
        {
            Fail(turn, task, attempt, $"the deadline of {task.Deadline:c} passed", retryable: false);
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
        Failures = attempt.Failures,
        Trouble = attempt.Trouble,
    });
}

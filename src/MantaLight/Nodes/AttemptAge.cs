using MantaLight.Protocol;

namespace MantaLight.Nodes;

/// <summary>Whether the swarm has gone on since an attempt was scheduled.</summary>
internal static class AttemptAge
{
    /// <summary>Whether nobody will ask for it any more: its run has ended, or the round after its own is under way.</summary>
    public static bool IsPast(ScheduleAttempt schedule, SwarmState state) => schedule.Run == state.Run
        ? state.Status.IsFinal() || schedule.Round < state.Round - 1
        : IsOutranked(schedule, state);

    /// <inheritdoc cref="IsPast(ScheduleAttempt, SwarmState)"/>
    /// <remarks>One of a task without a barrier is past when the round after that in which it counted, or was given up, is under way.</remarks>
    public static bool IsPast(NodeAttempt attempt, SwarmState state) => attempt.Schedule is { MaximumStaleness: not null } schedule && schedule.Run == state.Run
        ? state.Status.IsFinal() || attempt.LetGo < state.Round - 1
        : IsPast(attempt.Schedule, state);

    /// <summary>Whether nobody waits any more for an attempt of a task without a barrier: it counts, or the coordinator has gone on without it.</summary>
    public static bool IsLetGo(ScheduleAttempt schedule, SwarmState state, string node) => schedule.MaximumStaleness is not null && schedule.Run == state.Run
        && state.Tasks.FirstOrDefault(t => t.Alias == schedule.Alias) is { } task
        && (task.HasCounted(node, schedule.Round) || (state.Round > schedule.Round && !task.HasInFlight(node, schedule.Round)));

    /// <summary>Whether the commit of the attempt, or of a state beyond it, has been seen.</summary>
    public static bool IsSettled(NodeAttempt attempt, SwarmState state, string node)
    {
        if (state.Run != attempt.Schedule.Run)
            return attempt.IsOver || IsOutranked(attempt.Schedule, state);
        if (attempt.Schedule.MaximumStaleness is not null)
            return state.Status.IsFinal() || IsLetGo(attempt.Schedule, state, node);
        return state.Status.IsFinal() || state.Round > attempt.Schedule.Round
            || state.Tasks.Any(t => t.Alias == attempt.Schedule.Alias && t.Phase is TaskPhase.Committed or TaskPhase.Skipped);
    }

    /// <summary>
    /// Whether an attempt of another run is of lower authority: of the same term where a broker that had lost everything counted anew, even of the
    /// same node, which an earlier process of it had given.
    /// </summary>
    public static bool IsOutranked(ScheduleAttempt schedule, SwarmState state) =>
        Authority.Compare(schedule, state.Term, state.From) is var order && (order < 0 || (order == 0 && schedule.Incarnation != state.Incarnation));
}

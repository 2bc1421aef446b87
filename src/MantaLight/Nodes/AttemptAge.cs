using MantaLight.Protocol;

namespace MantaLight.Nodes;

/// <summary>Whether the swarm has gone on since an attempt was scheduled.</summary>
internal static class AttemptAge
{
    /// <summary>Whether nobody will ask for it any more: its run has ended, or the round after its own is under way.</summary>
    public static bool IsPast(ScheduleAttempt schedule, SwarmState state) => schedule.Run == state.Run
        ? state.Status.IsFinal() || schedule.Round < state.Round - 1
        : IsOutranked(schedule, state);

    /// <summary>Whether the commit of the attempt, or of a state beyond it, has been seen.</summary>
    public static bool IsSettled(NodeAttempt attempt, SwarmState state)
    {
        if (state.Run != attempt.Schedule.Run)
            return attempt.IsOver || IsOutranked(attempt.Schedule, state);
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

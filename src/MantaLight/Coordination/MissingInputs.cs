using MantaLight.Protocol;

namespace MantaLight.Coordination;

/// <summary>
/// Results that were reported and can no longer be fetched, since their nodes have lost them or are away: made again, with the
/// same seed and so with the same bits. None is left out of an aggregate because it could not be had at the moment.
/// </summary>
internal static class MissingInputs
{
    private const string Trouble = "its result could not be fetched";

    /// <summary>Opens the attempts that had made what an attempt misses; false where it misses nothing that anybody had reported.</summary>
    public static bool MakeAgain(Turn turn, TaskRound task, Attempt attempt, TaskFailed failed)
    {
        var opened = false;
        foreach (var before in task.Task.After.Select(alias => turn.State.Tasks.GetValueOrDefault(alias)).OfType<TaskRound>())
        {
            if (before.Task.Asynchronous is not null)
            {
                opened |= Await(turn, before, failed);
                // Without any record the round is given up.
                if (turn.State.Round != failed.Round || turn.State.Status.IsFinal())
                    return true;
                continue;
            }
            var changed = failed.Missing.Where(missing => Has(before, missing)).DistinctBy(missing => missing.Node)
                .Aggregate(before, (changed, missing) => changed.With(Opened(turn.State, before.Placed[missing.Node])));
            if (changed == before)
                continue;
            turn.Put(changed with { Phase = TaskPhase.Pending, Again = true });
            opened = true;
        }
        if (!opened)
            return false;
        turn.Put(task.With(attempt with { Phase = AttemptPhase.Waiting, Deadline = default }) with { Phase = TaskPhase.Pending });
        turn.Dirty = true;
        return true;
    }

    /// <summary>Records of a task without a barrier are waited for as often as others are made again, and then done without.</summary>
    private static bool Await(Turn turn, TaskRound before, TaskFailed failed)
    {
        string[] nodes = [.. failed.Missing.Where(missing => Has(before, missing)).Select(missing => missing.Node).Distinct(StringComparer.Ordinal)];
        foreach (var node in nodes)
            before = before.With(before.Placed[node] with { Failures = before.Placed[node].Failures + 1 });
        turn.Put(before);
        string[] lost = [.. nodes.Where(node => before.Placed[node].Failures > turn.State.Definition.Rounds.Retries)];
        if (lost.Length > 0)
            Asynchrony.Forgo(turn, before, lost, Trouble);
        return nodes.Length > 0;
    }

    private static bool Has(TaskRound before, MissingResult missing) => before.Phase == TaskPhase.Committed
        && before.Placed.TryGetValue(missing.Node, out var made) && made.Record is { Globals.Length: 0 } record
        && record.Results.Any(r => r.Content.Blob?.Sha256 == missing.Sha256);

    // Bounded as failures are: a node that reports and never serves is left out at last, and the quorum decides.
    private static Attempt Opened(CoordinatorState state, Attempt made) => made with
    {
        Record = null,
        Failures = made.Failures + 1,
        Overruns = 0,
        Trouble = Trouble,
        Deadline = default,
        Phase = made.Failures < state.Definition.Rounds.Retries ? AttemptPhase.Waiting : AttemptPhase.Failed,
    };
}

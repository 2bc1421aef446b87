using MantaLight.Blobs;
using MantaLight.Coordination;
using MantaLight.Protocol;

namespace MantaLight.Nodes;

/// <summary>Commits nothing whose bytes the broker does not have: it may have lost them since the member put them there.</summary>
internal static class CommitProof
{
    /// <summary>What a coordinator is to make of an event: a record whose globals are not on the broker is a failed attempt.</summary>
    public static async Task<CoordinatorEvent> ProveAsync(CoordinatorState state, CoordinatorEvent happening, GlobalRepair repair, SignOfLife sign, CancellationToken cancellationToken)
    {
        if (happening is not CoordinatorEvent.UpdateSeen { Update: TaskCompleted { Globals.Length: > 0 } record } || !IsOpen(state, record))
            return happening;
        foreach (var blob in record.Globals.Select(g => g.Content.Blob).OfType<BlobRef>().Where(b => b.IsSound()))
        {
            if (await repair.IsOnBrokerAsync(blob, sign, cancellationToken))
                continue;
            return new CoordinatorEvent.UpdateSeen(new TaskFailed
            {
                From = record.From, Incarnation = record.Incarnation, Run = record.Run, Round = record.Round, Alias = record.Alias, Attempt = record.Attempt,
                Error = "ChunksMissing", Message = $"the broker does not have the chunks of global {blob.Sha256}",
            });
        }
        return happening;
    }

    private static bool IsOpen(CoordinatorState state, TaskCompleted record) => record.Run == state.Run.ToString() && record.Round == state.Round
        && state.Tasks.TryGetValue(record.Alias, out var task) && task.Phase != TaskPhase.Committed
        && task.Placed.TryGetValue(record.From, out var attempt) && attempt.Phase != AttemptPhase.Completed
        && (attempt.Id == record.Attempt || AttemptId.NumberOf(record.Attempt) > attempt.Number) && RecordCheck.ProblemOf(record, task.IsOnOneNode) is null;
}

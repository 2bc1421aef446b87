using MantaLight.Protocol;

namespace MantaLight.Nodes;

/// <summary>What is left of attempts that are over: their blobs, their records, and tasks that go on.</summary>
internal sealed class Leftovers(AttemptServices node, string swarm, SwarmMemory memory, Func<string, bool> isNeeded)
{
    // Which some swarm may still need.
    private readonly HashSet<string> files = new(StringComparer.Ordinal);

    // What their tasks were fetching or writing comes to the disk later.
    private readonly List<NodeAttempt> heedless = [];

    private readonly Orphans orphans = new(node, swarm, memory);

    public bool IsEmpty => files.Count == 0 && heedless.Count == 0 && orphans.IsEmpty;

    /// <summary>Whether a blob is still to be had for its chunks on the broker to be cleared.</summary>
    public bool Holds(string hash) => orphans.Holds(hash);

    /// <summary>Notes a blob that goes when nobody needs it.</summary>
    public void Keep(string hash) => files.Add(hash);

    /// <inheritdoc cref="Keep(string)"/>
    public void Keep(IEnumerable<string> hashes) => files.UnionWith(hashes);

    /// <summary>Takes note that chunks that were this node's to clear are gone.</summary>
    public void ChunksCleared(string hash) => orphans.Cleared(hash);

    /// <summary>Takes over attempts that the swarm is done with.</summary>
    public void Add(IEnumerable<NodeAttempt> gone, SwarmState state)
    {
        foreach (var attempt in gone)
        {
            if (!attempt.Runner.GoesOn.IsCompleted)
                heedless.Add(attempt);
            Keep(attempt.Runner.Touched);
            // What is this node's to clear is written down until that is done.
            var isOwn = state.Status.IsRemoval() && !attempt.Runner.Published.IsEmpty;
            orphans.Add(attempt, isOwn);
            if (!isOwn)
                node.Journal.Delete(swarm, attempt.Schedule);
            attempt.Dispose();
        }
    }

    /// <summary>Drops what nobody needs any more.</summary>
    /// <param name="attempts">Those that the swarm is not done with.</param>
    /// <param name="state">The state as last seen.</param>
    public void Tidy(AttemptBook attempts, SwarmState state)
    {
        foreach (var ended in heedless.Where(a => a.Runner.GoesOn.IsCompleted).ToArray())
        {
            Keep(ended.Runner.Touched);
            if (attempts.Find(ended.Schedule) is null && !orphans.IsJournaled(ended.Schedule))
                node.Journal.Delete(swarm, ended.Schedule);
            heedless.Remove(ended);
        }
        orphans.Tidy(state, hash => attempts.All.Any(a => a.Runner.Touches(hash)));
        foreach (var hash in files.ToArray())
        {
            // Asked for each: somebody may have taken it up meanwhile.
            if (isNeeded(hash))
                continue;
            node.Store.Delete(hash);
            files.Remove(hash);
        }
    }
}

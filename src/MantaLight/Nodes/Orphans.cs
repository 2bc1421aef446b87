using MantaLight.Concurrency;
using MantaLight.Protocol;

namespace MantaLight.Nodes;

/// <summary>
/// Globals whose chunks this node has put on the broker, and that it has not seen become the swarm's since. What became a global
/// is cleared by its coordinator when it is replaced. So is what never did, or came when that was done: the coordinator is told,
/// since it alone knows what is committed now. When the run has ended the next one may have committed the same bytes, and what is left goes
/// with the swarm; only what comes after the swarm has gone is this node's own to clear.
/// </summary>
internal sealed class Orphans(AttemptServices node, string swarm, SwarmMemory memory)
{
    /// <summary>More superseded runs than a swarm will have before it is removed, and swept.</summary>
    private const int Maximum = 1000;

    private static readonly TimeSpan Resend = TimeSpan.FromSeconds(3);

    /// <summary>How often a coordinator is told: a message may be lost.</summary>
    private const int Words = 3;

    private readonly List<Orphan> orphans = [];

    public bool IsEmpty => orphans.Count == 0;

    /// <summary>Whether a file is kept for the journal: a node that is killed while it clears does so again.</summary>
    public bool Holds(string hash) => orphans.Any(o => o.Journaled is not null && o.Files.Contains(hash));

    /// <summary>Whether an attempt's entry in the journal stays until its chunks are cleared.</summary>
    public bool IsJournaled(ScheduleAttempt schedule) =>
        orphans.Any(o => o.Journaled is { } entry && (entry.Run, entry.Round, entry.Alias) == (schedule.Run, schedule.Round, schedule.Alias));

    /// <summary>Notes what an attempt that is over may have put there.</summary>
    /// <param name="attempt">The attempt.</param>
    /// <param name="isJournaled">Whether its entry in the journal, and its files, stay until that is cleared.</param>
    public void Add(NodeAttempt attempt, bool isJournaled)
    {
        string[] files = isJournaled ? [.. attempt.Runner.Touched] : [];
        foreach (var blob in attempt.Runner.Published)
        {
            var word = new TaskAbandoned
            {
                Run = attempt.Schedule.Run, Round = attempt.Schedule.Round, Alias = attempt.Schedule.Alias, Attempt = attempt.Schedule.Attempt, Blob = blob,
            };
            orphans.Add(new Orphan(word, isJournaled ? attempt.Schedule : null, files));
        }
        orphans.RemoveRange(0, Math.Max(0, orphans.Count - Maximum));
    }

    /// <summary>Does with each what is to be done now; one that another attempt reads waits until that is over too.</summary>
    public void Tidy(SwarmState state, Func<string, bool> isRead)
    {
        orphans.RemoveAll(o => o.Word.Run == state.Run && state.Globals.Any(g => g.Content.Blob?.Sha256 == o.Word.Blob.Sha256));
        foreach (var orphan in orphans.Where(o => !isRead(o.Word.Blob.Sha256)).ToArray())
        {
            if (state.Status.IsRemoval())
                Clear(orphan);
            else if (orphan.Word.Run == state.Run && !state.Status.IsFinal())
                Tell(orphan, state.Term);
        }
    }

    private void Clear(Orphan orphan)
    {
        if (memory.Book is { Removing: false })
            return;
        if (!orphan.IsBeingCleared)
            node.Clearer.Clear(swarm, orphan.Word.Blob);
        orphan.IsBeingCleared = true;
        if (orphan.Journaled is null)
            orphans.Remove(orphan);
    }

    /// <summary>Chunks that this node was to clear are gone.</summary>
    public void Cleared(string hash)
    {
        foreach (var orphan in orphans.Where(o => o.IsBeingCleared && o.Word.Blob.Sha256 == hash).ToArray())
        {
            orphans.Remove(orphan);
            if (orphan.Journaled is { } schedule && !orphans.Any(o => o.Journaled == schedule))
                node.Journal.Delete(swarm, schedule);
        }
    }

    /// <summary>Tells each coordinator; what none has cleared stays to be cleared when the swarm has gone.</summary>
    private void Tell(Orphan orphan, long term)
    {
        var now = node.Time.SteadyNow();
        if (orphan.Term != term)
            (orphan.Term, orphan.Told) = (term, 0);
        if (orphan.Told == Words || orphan.Due > now)
            return;
        orphan.Due = now + Resend;
        orphan.Told++;
        node.Outbox.Send(node.Topics.Tasks(swarm, node.Settings.Id), orphan.Word);
    }

    private sealed class Orphan(TaskAbandoned word, ScheduleAttempt? journaled, string[] files)
    {
        public TaskAbandoned Word => word;

        public ScheduleAttempt? Journaled => journaled;

        public string[] Files => files;

        public bool IsBeingCleared { get; set; }

        /// <summary>How often the coordinator of <see cref="Term"/> was told.</summary>
        public int Told { get; set; }

        public long Term { get; set; } = -1;

        public DateTimeOffset Due { get; set; }
    }
}

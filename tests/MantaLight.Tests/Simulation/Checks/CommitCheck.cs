using MantaLight.Protocol;

namespace MantaLight.Simulation;

/// <summary>What was committed stays: starts, rounds and versions only grow, the past does not change, an end is final.</summary>
internal sealed class CommitCheck(World world) : ICheck
{
    private const int KeptRounds = 20;
    private const int MaximumTold = 500;

    private readonly Dictionary<string, SwarmState> last = new(StringComparer.Ordinal);

    private readonly HashSet<string> seen = new(StringComparer.Ordinal);

    // Runs that were there before the broker lost them: whoever began with less than that makes room for them.
    private readonly HashSet<string> remembered = new(StringComparer.Ordinal);

    // And the globals and summaries that they had committed: what is later is taken up again.
    private readonly HashSet<(string Run, string What, int Number, string? Hash)> committed = [];

    private readonly HashSet<(string Run, string What, int Number, string? Hash)> told = [];

    public void Seen(Sighting sighting)
    {
        if (sighting.Message is not SwarmState state)
            return;
        if (last.TryGetValue(state.Swarm, out var before))
            Compare(before, state);
        last[state.Swarm] = state;
        seen.Add(state.Run);
        told.UnionWith([.. state.Globals.Select(g => Key(state, g)), .. state.History.Select(h => Key(state, h))]);
        // Nobody's memory is so old.
        if (told.Count > MaximumTold)
            told.RemoveWhere(t => t.Number < state.Round - SwarmState.MaximumHistory);
    }

    // The last commits may have reached nobody but the broker.
    public void RetainedLost()
    {
        last.Clear();
        remembered.UnionWith(seen);
        committed.UnionWith(told);
    }

    private void Compare(SwarmState before, SwarmState now)
    {
        // A tombstone may count anew.
        if (before.Status.IsRemoval() && now.Run != before.Run)
            return;
        if (now.Start < before.Start)
            Lost(now, $"start {now.Start} follows {before.Start}");
        else if (now.Run == before.Run)
            CompareRun(before, now);
        else if (!before.Status.IsFinal() && !remembered.Contains(now.Run))
            Lost(now, $"run {before.Run} was {before.Status} when run {now.Run} began");
        else if (now.Start == before.Start && !remembered.Contains(now.Run))
            Lost(now, $"start {now.Start} is counted twice");
    }

    private void CompareRun(SwarmState before, SwarmState now)
    {
        if (before.Status.IsFinal() && now.Status != before.Status && !now.Status.IsRemoval())
            Lost(now, $"it was {before.Status} and is {now.Status}");
        if (now.Status.IsRemoval())
            return;
        if (now.Round < before.Round)
            Lost(now, $"round {now.Round} follows {before.Round}");
        foreach (var old in before.Globals)
        {
            var entry = now.Globals.FirstOrDefault(g => g.Tag == old.Tag);
            if (entry is null || entry.Version < old.Version)
                Lost(now, $"version {old.Version} of {old.Tag} is gone");
            else if (committed.Contains(Key(now, entry)))
                continue;
            else if (entry.Version == old.Version && entry.Content.Blob?.Sha256 != old.Content.Blob?.Sha256)
                Lost(now, $"version {old.Version} of {old.Tag} has changed");
            else if (entry.Version > old.Version + 1)
                Lost(now, $"version {entry.Version} of {old.Tag} follows {old.Version}");
            else if (entry.Version > old.Version && entry.Round <= old.Round)
                Lost(now, $"round {entry.Round} sets {old.Tag} a second time");
        }
        CompareHistory(before, now);
    }

    // Of a long run only the last rounds are kept.
    private void CompareHistory(SwarmState before, SwarmState now)
    {
        foreach (var old in before.History)
        {
            var summary = now.History.FirstOrDefault(s => s.Round == old.Round);
            if (summary is null && now.History.Length >= KeptRounds && now.History[0].Round > old.Round)
                continue;
            if (summary is null || (summary.GlobalSha256 != old.GlobalSha256 && !committed.Contains(Key(now, summary))))
                Lost(now, $"the summary of round {old.Round} is gone or another");
        }
    }

    private static (string Run, string What, int Number, string? Hash) Key(SwarmState state, GlobalEntry entry) =>
        (state.Run, entry.Tag, entry.Version, entry.Content.Blob?.Sha256);

    private static (string Run, string What, int Number, string? Hash) Key(SwarmState state, RoundSummary summary) =>
        (state.Run, "round", summary.Round, summary.GlobalSha256);

    private void Lost(SwarmState now, string what) => world.Fail($"Swarm {now.Swarm}, term {now.Term} of {now.Incarnation}: {what}.");
}

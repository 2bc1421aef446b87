using MantaLight.Protocol;

namespace MantaLight.Cli.Watching;

/// <summary>How far each task of the round under way is, where its nodes are too many to be shown one by one.</summary>
internal sealed class RoundProgress
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(10);

    // A node says again that it has completed until it sees that this was committed.
    private readonly Dictionary<string, HashSet<string>> done = new(StringComparer.Ordinal);
    private int round;
    private DateTimeOffset? told;

    /// <summary>The tasks that run, with how many of their nodes have completed.</summary>
    public IReadOnlyList<(string Alias, int Done, int Of)> Tasks { get; private set; } = [];

    /// <summary>Takes a state in.</summary>
    public void See(SwarmState state)
    {
        if (state.Round != round)
            done.Clear();
        round = state.Round;
        Tasks = [.. state.Tasks.Where(t => t.Phase == TaskPhase.Running).Select(t => (t.Alias, Math.Max(t.Completed, done.GetValueOrDefault(t.Alias)?.Count ?? 0), t.Placed))];
    }

    /// <summary>Counts an attempt that has completed.</summary>
    public void Count(TaskCompleted completed)
    {
        if (completed.Round != round)
            return;
        if (!done.TryGetValue(completed.Alias, out var nodes))
            done[completed.Alias] = nodes = new HashSet<string>(StringComparer.Ordinal);
        nodes.Add(completed.From);
        Tasks = [.. Tasks.Select(t => t.Alias == completed.Alias ? t with { Done = Math.Max(t.Done, nodes.Count) } : t)];
    }

    /// <summary>What is told now and then, of a round that takes a while.</summary>
    public IEnumerable<Happening> Tick(DateTimeOffset now)
    {
        if (now - (told ??= now) < Pause)
            return [];
        told = now;
        return Tasks.Where(t => t.Of > 1).Select(t => new Happening.Progressed(round, t.Alias, t.Done, t.Of));
    }

    /// <summary>Something else was told: that is enough for a while.</summary>
    public void Told(DateTimeOffset now) => told = now;
}

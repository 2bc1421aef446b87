using System.Globalization;
using System.Text;
using MantaLight.Protocol;

namespace MantaLight.Simulation;

/// <summary>What is measured while a crowd is at work.</summary>
internal sealed class CrowdFigures(World world)
{
    private readonly SortedDictionary<string, int> most = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, int> dropped = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, int> published = new(StringComparer.Ordinal);

    /// <summary>The most messages that waited at the broker, by client and kind of topic of the last of them.</summary>
    public IReadOnlyDictionary<string, int> MostWaiting => most;

    /// <summary>Messages that the broker dropped, by client and kind of topic.</summary>
    public IReadOnlyDictionary<string, int> Dropped => dropped;

    /// <summary>How many messages were published, by kind of topic.</summary>
    public IReadOnlyDictionary<string, int> Counts => published;

    public int LargestState { get; private set; }

    public int LargestMessage { get; private set; }

    public string LargestTopic { get; private set; } = "";

    /// <summary>Who has coordinated, in turn.</summary>
    public List<(long Term, string Node)> Coordinators { get; } = [];

    /// <summary>When a schedule message was sent last.</summary>
    public TimeSpan LastSchedule { get; private set; }

    /// <summary>When each phase of each task was first committed.</summary>
    public Dictionary<(int Round, string Alias, TaskPhase Phase), TimeSpan> Reached { get; } = [];

    /// <summary>How many attempts completed, when each task was committed.</summary>
    public Dictionary<(int Round, string Alias), (int Completed, int Placed)> Commits { get; } = [];

    /// <summary>When each node told its record of a round first.</summary>
    public Dictionary<(int Round, string Node), TimeSpan> Records { get; } = [];

    /// <summary>How often each node reported its progress.</summary>
    public Dictionary<string, int> Reports { get; } = new(StringComparer.Ordinal);

    public void Updated(string node, ReadOnlySpan<byte> payload, Func<TaskUpdate> read)
    {
        if (payload.IndexOf("\"worker\""u8) < 0)
            return;
        // There are very many of them: only records are read.
        if (payload.IndexOf("\"running\""u8) >= 0)
            Reports[node] = Reports.GetValueOrDefault(node) + 1;
        else if (payload.IndexOf("\"completed\""u8) >= 0)
            Records.TryAdd((read().Round, node), world.Now);
    }

    public void Published(string client, string topic, byte[] payload)
    {
        var kind = Kind(topic.Split('/')[2..]);
        published[kind] = published.GetValueOrDefault(kind) + 1;
        if (kind == "schedule")
            LastSchedule = world.Now;
        if (payload.Length > LargestMessage)
            (LargestMessage, LargestTopic) = (payload.Length, topic);
        if (kind == "state")
            LargestState = Math.Max(LargestState, payload.Length);
    }

    public void Committed(SwarmState state)
    {
        if (Coordinators.LastOrDefault() != (state.Term, state.From))
            Coordinators.Add((state.Term, state.From));
        foreach (var task in state.Tasks)
        {
            Reached.TryAdd((state.Round, task.Alias, task.Phase), world.Now);
            if (task.Phase == TaskPhase.Committed)
                Commits[(state.Round, task.Alias)] = (task.Completed, task.Placed);
        }
    }

    public void Waits(string client, string[] levels, int before, bool isDropped)
    {
        var what = $"{client} {Kind(levels)}";
        most[what] = Math.Max(most.GetValueOrDefault(what), before + (isDropped ? 0 : 1));
        if (isDropped)
            dropped[what] = dropped.GetValueOrDefault(what) + 1;
    }

    public override string ToString()
    {
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"most waiting: {string.Join(", ", most.Select(m => $"{m.Key} {m.Value}"))}");
        text.AppendLine(CultureInfo.InvariantCulture, $"dropped: {string.Join(", ", dropped.Select(m => $"{m.Key} {m.Value}"))}");
        text.AppendLine(CultureInfo.InvariantCulture, $"published: {string.Join(", ", published.Select(m => $"{m.Key} {m.Value}"))}");
        text.AppendLine(CultureInfo.InvariantCulture, $"largest state {LargestState} B, largest message {LargestMessage} B on {LargestTopic}");
        text.AppendLine(CultureInfo.InvariantCulture, $"coordinators: {string.Join(", ", Coordinators)}; last schedule message at {LastSchedule.TotalSeconds:0.00} s");
        foreach (var (what, moment) in Reached.OrderBy(r => r.Value))
            text.AppendLine(CultureInfo.InvariantCulture, $"{moment.TotalSeconds,9:0.00} s round {what.Round} {what.Alias} {what.Phase}");
        return text.ToString();
    }

    private static string Kind(string[] levels) => levels switch
    {
        ["nodes", _] => "presence",
        ["nodes", _, var kind, ..] => kind,
        ["swarms", _] => "definition",
        ["swarms", _, "coordinator", var kind] => kind,
        ["swarms", _, var kind, ..] => kind,
        _ => "other",
    };
}

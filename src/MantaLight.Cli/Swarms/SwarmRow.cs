using MantaLight.Messaging;
using MantaLight.Protocol;

namespace MantaLight.Cli.Swarms;

/// <summary>A swarm in a list: its state, or only its definition where nobody has started it.</summary>
internal sealed record SwarmRow(string Id, SwarmState? State, bool IsDefined)
{
    /// <summary>The swarms that a cluster has, by id.</summary>
    public static IReadOnlyList<SwarmRow> Of(Topics topics, IEnumerable<SwarmState> states, IEnumerable<BrokerMessage> definitions)
    {
        var known = states.ToDictionary(s => s.Swarm, StringComparer.Ordinal);
        string[] defined = [.. definitions.Select(d => topics.Split(d.Topic)).Where(levels => levels.Length == 2).Select(levels => levels[1])];
        return [.. known.Keys.Union(defined, StringComparer.Ordinal).Order(StringComparer.Ordinal).Select(id => new SwarmRow(id, known.GetValueOrDefault(id), defined.Contains(id)))];
    }

    /// <summary>Whether only its tombstone is left.</summary>
    public bool IsRemoved => State is { Status: RunStatus.Removed } && !IsDefined;

    /// <summary>The last round's global accuracy, where it was measured.</summary>
    public double? Accuracy => State is { History: [.., var last] } && last.Metrics.TryGetValue("test_metrics.accuracy", out var value) ? value : null;
}

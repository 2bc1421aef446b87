using MantaLight.Cli.Chaos.Processes;
using MantaLight.Protocol;

namespace MantaLight.Cli.Chaos.Watch;

/// <summary>How it is seen on the wire that something has recovered.</summary>
internal static class Recovery
{
    /// <summary>The process of a node is online.</summary>
    public static bool IsBack(WireView view, ChaosNode node) =>
        view.Nodes.TryGetValue(node.Id, out var presence) && presence.Status == NodeStatus.Online && presence.Started >= node.Started;

    /// <summary>It has said so since a moment.</summary>
    public static bool HasAnswered(WireView view, ChaosNode node, DateTimeOffset since) => IsBack(view, node) && view.Nodes[node.Id].Sent >= since;

    /// <summary>The process of a node is online and has taken up what it was to do, unless that is over.</summary>
    public static bool WorksAgain(WireView view, ChaosNode node, Place place) => IsBack(view, node)
        && (view.IsPast(place.Round, place.Alias) || view.Updates.GetValueOrDefault(place)?.Incarnation == view.Nodes[node.Id].Incarnation);

    /// <summary>Somebody has taken up a task for one node that an incarnation had, or it is over.</summary>
    public static bool IsTakenUp(WireView view, int round, string alias, string incarnation, DateTimeOffset since) => view.IsPast(round, alias)
        || view.Updates.Any(u => u.Key.Round == round && u.Key.Alias == alias && u.Value.Incarnation != incarnation && u.Value.Sent >= since);

    /// <summary>Somebody coordinates with a higher term than before.</summary>
    public static bool IsSucceeded(WireView view, long term) =>
        view.Claim is { } claim && claim.Term > term && view.Act is { } act && act.Term == claim.Term && act.From == claim.From;

    /// <summary>Somebody coordinates over the broker that was started at a moment.</summary>
    public static bool IsServed(WireView view, DateTimeOffset since) => view.Act?.Sent >= since;

    /// <summary>What the broker had lost is there again: the definition, and a state that is no older than before.</summary>
    public static bool IsRestored(WireView view, WireView before, DateTimeOffset since) => view.Defined >= since
        && view.State is { } state && state.Sent >= since && (before.State is not { } old || (state.Run == old.Run && state.Round >= old.Round));

    /// <summary>Everybody is there, and who has claimed to coordinate does.</summary>
    public static bool IsSettled(WireView view, IReadOnlyCollection<ChaosNode> nodes, DateTimeOffset since) =>
        nodes.All(n => IsBack(view, n))
        && view.Claim is { } claim && view.Act is { } act && act.Term == claim.Term && act.Sent >= since
        && view.Nodes.GetValueOrDefault(claim.From)?.Incarnation == claim.Incarnation;
}

using System.Globalization;
using MantaLight.Protocol;

namespace MantaLight.Simulation;

/// <summary>
/// What a broker and the disks hold is what a few rounds need, however many there were: limits while rounds go on, and when
/// all has ended nothing of earlier rounds and runs.
/// </summary>
internal sealed class FootprintCheck(World world, HistoryPlan plan, FaultyBroker broker, IReadOnlyList<SimulatedNode> nodes) : ICheck
{
    /// <summary>The rounds that a node has something of at a time: the present one, the one that may be wanted again, and one that is being let go.</summary>
    private const int Rounds = 3;

    /// <summary>Worker, aggregator, test, audit, scheduler; and the setup.</summary>
    private const int Tasks = 6;

    private int Swarms => plan.Swarms.Length;

    /// <summary>What is under way without a barrier is of earlier rounds too.</summary>
    private int RoundsKept => Rounds + plan.Swarms.Max(s => s.Buffer is null ? 0 : s.Staleness + 1);

    /// <summary>All contributions of a round, what was made of them, and the globals.</summary>
    private int BlobsOfRound => plan.Nodes.Length + 3;

    public void Seen(Sighting sighting)
    {
        if (sighting.Message is not SwarmState)
            return;
        var globals = broker.Retained.Keys.Where(IsChunk).Select(k => k[..k.LastIndexOf('/')]).Distinct(StringComparer.Ordinal).Count();
        Limit("globals on the broker", globals, Swarms * RoundsKept * 3);
        foreach (var node in nodes)
        {
            Limit($"attempts in the journal of {node.Id}", CountOf(node, "journal/"), Swarms * RoundsKept * Tasks);
            Limit($"blobs on the disk of {node.Id}", CountOf(node, "blobs/"), Swarms * RoundsKept * BlobsOfRound);
        }
    }

    public void RetainedLost()
    {
    }

    /// <summary>Once every swarm has ended, and all who are there have heard of it.</summary>
    public void CheckAtRest(IReadOnlyDictionary<string, SwarmState> states)
    {
        foreach (var node in nodes.Where(n => n.IsRunning))
        {
            var journal = node.Disk.Names.Where(n => n.StartsWith("journal/", StringComparison.Ordinal)).ToArray();
            foreach (var file in journal.Where(f => !IsOfLastRound(f, states)))
                world.Fail($"{file} is on the disk of {node.Id} still, although its swarm has ended: {string.Join(", ", states.Values.Select(s => $"{s.Run} in round {s.Round}"))}.");
            Limit($"blobs on the disk of {node.Id}, after the end,", CountOf(node, "blobs/"), states.Values.Sum(s => s.Blobs().Count()) + (2 * journal.Length));
        }
    }

    private static bool IsChunk(string topic) => topic.Contains("/blobs/", StringComparison.Ordinal);

    private static int CountOf(SimulatedNode node, string folder) => node.Disk.Names.Count(n => n.StartsWith(folder, StringComparison.Ordinal));

    // journal/SWARM.ALIAS.ROUND.RUN
    private static bool IsOfLastRound(string file, IReadOnlyDictionary<string, SwarmState> states)
    {
        var parts = file["journal/".Length..].Split('.', 4);
        return states.TryGetValue(parts[0], out var state) && state.Run == parts[3] && int.Parse(parts[2], CultureInfo.InvariantCulture) >= state.Round - 1;
    }

    private void Limit(string what, int found, int allowed)
    {
        if (found > allowed)
            world.Fail(string.Create(CultureInfo.InvariantCulture, $"{found} {what} are more than {allowed}, whatever the number of rounds."));
    }
}

using MantaLight.Nodes;
using MantaLight.Protocol;
using MantaLight.Tasks;
using MantaLight.Weights;

namespace MantaLight.Virtual;

/// <summary>
/// What virtual nodes keep for themselves, in memory: tasks' own states, and what packed contributions have lost. As with real nodes, what a round has set counts only if its record did.
/// </summary>
internal sealed class VirtualKept
{
    private readonly Lock gate = new();
    private readonly Dictionary<string, KeptVersions<NamedArrays>> nodes = new(StringComparer.Ordinal);
    private readonly HashSet<(string Node, string Alias, int Round)> open = [];

    /// <summary>What was in force before an attempt; null for nothing.</summary>
    /// <param name="node">Whose it is.</param>
    /// <param name="schedule">The attempt.</param>
    /// <param name="name">The name.</param>
    /// <param name="before">The tasks that its own waits for.</param>
    public NamedArrays? Read(string node, ScheduleAttempt schedule, string name, IReadOnlySet<string> before)
    {
        lock (gate)
            return nodes.GetValueOrDefault(node)?.Find(name, schedule.Round, schedule.Alias, before)?.Value;
    }

    /// <summary>Whether an attempt may keep something.</summary>
    /// <exception cref="TaskContractException">The name is another task's, or there are too many.</exception>
    public void Require(string node, ScheduleAttempt schedule, string name, int more)
    {
        lock (gate)
        {
            var versions = nodes.GetValueOrDefault(node);
            if (versions?.OwnerOf(name) is { } owner && owner != schedule.Alias)
                throw KeptNames.Foreign(name, owner);
            if (versions?.OwnerOf(name) is null && KeptNames.AreFull([.. versions?.Names ?? [], .. Enumerable.Repeat("", more)]))
                throw KeptNames.TooMany(name);
        }
    }

    /// <summary>Keeps what an attempt that has succeeded has set; in place of what an earlier attempt at it had set.</summary>
    public void Write(string node, ScheduleAttempt schedule, string name, NamedArrays value)
    {
        lock (gate)
        {
            VersionsOf(node).Put(name, new KeptVersion<NamedArrays>(schedule.Round, schedule.Alias, value) { IsMade = true });
            open.Add((node, schedule.Alias, schedule.Round));
        }
    }

    /// <summary>What is in force, by node and name.</summary>
    public IReadOnlyList<KeptValue> InForce()
    {
        lock (gate)
        {
            return
            [
                .. nodes.OrderBy(n => n.Key, StringComparer.Ordinal).SelectMany(n => n.Value.All.Where(v => v.Version.IsSettled).OrderBy(v => v.Name, StringComparer.Ordinal)
                    .Select(v => new KeptValue(n.Key, v.Name, v.Version.Alias, v.Version.Round, v.Version.Value))),
            ];
        }
    }

    /// <summary>Takes in what was in force where a run goes on from.</summary>
    public void Restore(IEnumerable<KeptValue> values)
    {
        lock (gate)
        {
            foreach (var value in values)
                VersionsOf(value.Node).Put(value.Name, new KeptVersion<NamedArrays>(value.Round, value.Alias, value.Value) { IsMade = true, IsSettled = true });
        }
    }

    /// <summary>Takes note of which records have counted, as a published state tells.</summary>
    public void Settle(SwarmState seen)
    {
        lock (gate)
        {
            // Read once for all nodes.
            var committed = seen.Tasks.Where(t => t.Phase == TaskPhase.Committed && open.Count > 0).ToDictionary(t => t.Alias, t => (Task: t, Keys: NodeKeys.Read(t.NodeKeys)), StringComparer.Ordinal);
            foreach (var (node, alias, round) in open.ToArray())
            {
                var versions = VersionsOf(node);
                if (seen.Tasks.FirstOrDefault(t => t.Alias == alias) is { InFlight: not null } late)
                {
                    // Without a barrier it counts in a later round, or in none.
                    if (late.HasCounted(node, round))
                        versions.Tell(round, alias, true);
                    else if (!late.HasInFlight(node, round) && seen.Round > round && open.Remove((node, alias, round)))
                        versions.Settle(round, alias, versions.Counts(round, alias) ?? false);
                    continue;
                }
                if (round == seen.Round && committed.TryGetValue(alias, out var told))
                    versions.Tell(round, alias, told.Task.NodeKeys is null ? told.Task.Counts(node) : told.Keys?.Contains(NodeKeys.Of(node)));
                if (seen.History.FirstOrDefault(h => h.Round == round) is { } over)
                {
                    versions.Settle(round, alias, over.Skipped is null && (versions.Counts(round, alias) ?? over.LeftOut.All(l => l.Node != node)));
                    open.Remove((node, alias, round));
                }
            }
        }
    }

    private KeptVersions<NamedArrays> VersionsOf(string node) => nodes.TryGetValue(node, out var versions) ? versions : nodes[node] = new KeptVersions<NamedArrays>();
}

/// <summary>What a node keeps under a name.</summary>
internal sealed record KeptValue(string Node, string Name, string Alias, int Round, NamedArrays Value);

/// <summary>A virtual attempt's part of what its node keeps.</summary>
/// <param name="node">The node.</param>
/// <param name="schedule">The attempt.</param>
/// <param name="before">The tasks that its own waits for.</param>
/// <param name="kept">What nodes keep.</param>
/// <param name="store">The attempt, which has what it sets until it has succeeded.</param>
internal sealed class VirtualStateStore(string node, ScheduleAttempt schedule, IReadOnlySet<string> before, VirtualKept kept, VirtualAttemptStore store) : IStateStore
{
    public Task<NamedArrays?> ReadAsync(string name, CancellationToken cancellationToken)
    {
        KeptNames.Require(name);
        cancellationToken.ThrowIfCancellationRequested();
        // A list of its own: who disposes it takes nothing from the next reader.
        return Task.FromResult(kept.Read(node, schedule, name, before) is { } value ? new NamedArrays(value) : null);
    }

    public void Write(string name, NamedArrays value)
    {
        KeptNames.Require(name);
        store.Keep(name, new NamedArrays(value.Select(a => new NamedArray(a.Name, a.Type, a.Shape, a.Data.ToArray()))));
    }
}

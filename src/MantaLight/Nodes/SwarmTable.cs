using System.Collections.Immutable;
using System.Globalization;
using MantaLight.Concurrency;
using MantaLight.Diagnostics;
using MantaLight.Protocol;

namespace MantaLight.Nodes;

/// <summary>The swarms that a node has a part in.</summary>
internal sealed class SwarmTable(AttemptServices node, SeatContext seats, MemberTable members)
{
    private const int MaximumSwarms = 1000;
    private const int MaximumClaims = 1000;

    private readonly SortedDictionary<string, SwarmMember> swarms = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (CoordinatorClaim Claim, DateTimeOffset Since)> claims = new(StringComparer.Ordinal);

    /// <summary>Does something for each; what goes wrong in one is kept from the others.</summary>
    public void ForEach(Action<SwarmMember> action)
    {
        foreach (var (id, swarm) in swarms)
        {
            try
            {
                action(swarm);
            }
            catch (Exception e)
            {
                Log.EventFailed(seats.Logger, e, id);
            }
        }
    }

    /// <summary>Takes up what an earlier process of this node had kept.</summary>
    public void Restore(ImmutableArray<RememberedSwarm> remembered, IReadOnlyList<JournalEntry> journal)
    {
        foreach (var swarm in remembered)
            Get(swarm.Swarm)?.Remember(swarm);
        foreach (var entry in journal)
            Get(entry.Swarm)?.Restore(entry);
    }

    public SwarmMember? Find(string id) => swarms.GetValueOrDefault(id);

    /// <summary>
    /// The node's part in a swarm; only what makes a swarm (its definition, state or a schedule) makes one. Null where the
    /// node has a part in too many already.
    /// </summary>
    public SwarmMember? Get(string id)
    {
        if (Find(id) is { } known)
            return known;
        // Tombstones are replayed by the hundreds, and nothing is left of them at once.
        if (swarms.Count >= MaximumSwarms)
            Forget();
        if (swarms.Count >= MaximumSwarms)
        {
            seats.Drops.Beyond("swarms full", string.Create(
                CultureInfo.InvariantCulture, $"This node has a part in {MaximumSwarms} swarms; it ignores swarm {id} until one of them is removed (mantalight swarm remove)"));
            return null;
        }
        var member = new SwarmMember(node, seats, id, () => members.All, hash => swarms.Values.Any(s => s.Needs(hash)));
        member.CandidatesChanged(members.Candidates);
        if (claims.Remove(id, out var claimed))
            member.ClaimSeen(claimed.Claim, claimed.Since);
        return swarms[id] = member;
    }

    /// <summary>Hands on a claim; one that comes before the definition is kept until then, as an incumbent must not be pushed out.</summary>
    public void Claimed(string id, CoordinatorClaim claim)
    {
        if (Find(id) is { } member)
            member.ClaimSeen(claim);
        else if (claims.Count < MaximumClaims || claims.ContainsKey(id))
            claims[id] = (claim, seats.Time.SteadyNow());
        else
            seats.Drops.Beyond("claims full", string.Create(
                CultureInfo.InvariantCulture, $"{MaximumClaims} swarms without a definition have coordinators; others are ignored until their definitions come"));
    }

    /// <summary>Takes note that a claim was taken away.</summary>
    public void ClaimCleared(string id)
    {
        claims.Remove(id);
        Find(id)?.ClaimCleared();
    }

    /// <summary>Takes up those of which only a claim is known, and has been for a while; and forgets those of which nothing is left.</summary>
    public void Tidy()
    {
        var now = seats.Time.SteadyNow();
        foreach (var (id, _) in claims.Where(c => now - c.Value.Since >= seats.Settings.Coordination.Patience).ToArray())
            Get(id);
        Forget();
    }

    /// <summary>Whatever stands is heard of again.</summary>
    public void ConnectionLost() => claims.Clear();

    private void Forget()
    {
        foreach (var (id, _) in swarms.Where(s => s.Value.IsForgettable).ToArray())
            swarms.Remove(id);
    }

    public async Task StopAsync() => await Task.WhenAll(swarms.Values.Select(s => s.DisposeAsync().AsTask()));
}

using MantaLight.Coordination;
using MantaLight.Protocol;

namespace MantaLight.Nodes;

/// <summary>Asks the members, those who come meanwhile included, for what they have kept of a swarm.</summary>
internal sealed class Interview(CoordinatorWire wire, SeatContext context)
{
    /// <summary>How often those are asked who have not answered.</summary>
    private const int Asks = 4;

    /// <summary>Enough for what differs; anybody can send some.</summary>
    private const long MaximumBytes = 64 << 20;

    private readonly Lock gate = new();
    private readonly HashSet<string> known = new(StringComparer.Ordinal);
    private readonly HashSet<string> silent = new(StringComparer.Ordinal);
    private readonly List<Recollection> kept = [];
    private long bytes;

    /// <summary>What they say, the same only once.</summary>
    public async Task<IReadOnlyList<Recollection>> HoldAsync(IEnumerable<Presence> members, CancellationToken cancellationToken)
    {
        foreach (var member in members)
            Come(member.From);
        await using (await wire.CollectAsync(Answered, cancellationToken))
        await using (await wire.WatchPresenceAsync(Seen, cancellationToken))
        {
            for (var ask = 0; ask < Asks; ask++)
            {
                var asked = Choose(ask);
                // Who is there may only just be being told.
                if (asked.Length == 0 && ask > 0)
                    break;
                foreach (var member in asked)
                    await wire.PostAsync(context.Settings.Topics.Inbox(member), new Recall { Swarm = wire.Swarm }, retain: false, cancellationToken);
                await wire.FlushAsync();
                await Task.Delay(context.Settings.Coordination.RollCall / 2, context.Time, cancellationToken);
            }
        }
        lock (gate)
            return kept;
    }

    /// <summary>Of very many not all at once, nor always the same: who has a later state than is found says so later on.</summary>
    private string[] Choose(int ask)
    {
        lock (gate)
            return [.. Rendezvous.Order($"{wire.Swarm}/{ask}", silent).Take(ScheduleWindow.Size)];
    }

    private void Seen(Presence presence)
    {
        if (presence.Status == NodeStatus.Online)
            Come(presence.From);
    }

    private void Come(string node)
    {
        lock (gate)
        {
            if (node != context.Settings.Id && known.Count < MemberTable.Capacity && known.Add(node))
                silent.Add(node);
        }
    }

    private void Answered(Recollection one, long size)
    {
        lock (gate)
        {
            silent.Remove(one.From);
            // Very many say the same.
            if (kept.Exists(k => k.Definition == one.Definition && IsSame(k.State, one.State)))
                return;
            if (bytes + size > MaximumBytes)
            {
                context.Drops.Beyond("recollections full", $"What members remember of swarm {wire.Swarm} is more than {MaximumBytes >> 20} MiB; the rest is not listened to");
                return;
            }
            bytes += size;
            kept.Add(one);
        }
    }

    private static bool IsSame(SwarmState? one, SwarmState? other) => one is null || other is null
        ? one == other
        : one.Run == other.Run && one.Status == other.Status && one.Counted == other.Counted && Inheritance.Order(one) == Inheritance.Order(other);
}

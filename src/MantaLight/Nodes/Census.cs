using System.Collections.Immutable;
using MantaLight.Concurrency;
using MantaLight.Coordination;
using MantaLight.Diagnostics;
using MantaLight.Protocol;

namespace MantaLight.Nodes;

/// <summary>
/// How a coordinator learns who is there where they are very many: brokers keep about a thousand messages for a client, and drop
/// without a word what else a wildcard would replay.
/// </summary>
internal static class Census
{
    /// <summary>Longer than this a coordinator must not be silent.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(5);

    /// <summary>The members as known, with what those say whom a question to everybody reaches.</summary>
    public static async Task<ImmutableArray<Presence>> TakeAsync(
        CoordinatorWire wire, SeatContext context, ImmutableArray<Presence> known, CancellationToken cancellationToken)
    {
        if (known.Length <= ScheduleWindow.Size)
            return known;
        var spread = TimeSpan.FromSeconds(Math.Min(Longest.TotalSeconds, known.Length / (double)ScheduleWindow.Size));
        var members = known.ToDictionary(m => m.From, StringComparer.Ordinal);
        await using (await wire.CountAsync(Answered, cancellationToken))
        {
            // The presences that are being replayed first: they may fill the queue by themselves.
            await Task.Delay(context.Settings.Coordination.RollCall / 3, context.Time, cancellationToken);
            await wire.SendAsync(context.Settings.Topics.Census(wire.Swarm), new WhoIsThere { SpreadSeconds = spread.TotalSeconds }, retain: false, cancellationToken);
            await Task.Delay(spread + context.Settings.Coordination.RollCall, context.Time, cancellationToken);
        }
        lock (members)
            return [.. members.Values];

        void Answered(Presence seen)
        {
            lock (members)
            {
                if (MemberTable.Admits(members, seen.From, context.Drops))
                    members[seen.From] = seen;
            }
        }
    }
}

/// <summary>A node's answers to coordinators that ask who is there, each at a moment of its own.</summary>
internal sealed class CensusAnswers(NodeSettings settings, Outbox outbox, Presence presence, Drops drops, TimeProvider time)
{
    private const int MaximumDue = 1000;

    private readonly Dictionary<string, DateTimeOffset> due = new(StringComparer.Ordinal);

    public void Asked(string swarm, WhoIsThere question)
    {
        if (due.Count < MaximumDue)
            due[swarm] = time.SteadyNow() + (ReportSpread.Of(question.SpreadSeconds) * ReportSpread.ShareOf($"{swarm}/{settings.Id}"));
        else
            drops.Beyond("census answers full", $"{MaximumDue} coordinators ask at once who is there; others are not answered, and ask again");
    }

    public void Tick()
    {
        if (due.Count == 0)
            return;
        foreach (var (swarm, _) in due.Where(d => d.Value <= time.SteadyNow()).ToArray())
        {
            due.Remove(swarm);
            outbox.Send(settings.Topics.Tasks(swarm, settings.Id), presence);
        }
    }
}

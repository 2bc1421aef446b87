using System.Globalization;
using MantaLight.Protocol;

namespace MantaLight.Cli.Watching;

/// <summary>
/// Whether the broker, a coordinator and nodes are there. Whoever has gone says nothing, so this says it. Pure: no clock, no
/// connection.
/// </summary>
internal sealed class Pulse
{
    private const int MaximumNodes = 20_000;

    /// <summary>A reconnect takes no longer where nothing is wrong.</summary>
    private static readonly TimeSpan BrokerPatience = TimeSpan.FromSeconds(3);

    /// <summary>Three beats: then nodes too take the seat for vacant.</summary>
    private static readonly TimeSpan SeatPatience = TimeSpan.FromSeconds(15);

    /// <summary>A node whose connection is lost has gone, or is back within that.</summary>
    private static readonly TimeSpan LossPatience = TimeSpan.FromSeconds(3);

    private readonly HashSet<string> online = new(StringComparer.Ordinal);
    private readonly Reminder broker = new();
    private readonly Reminder seat = new();
    private DateTimeOffset? began;
    private DateTimeOffset connected;
    private DateTimeOffset? heard;
    private DateTimeOffset? offline;
    private (string Node, long Term)? last;
    private (string Broker, string Problem, DateTimeOffset Since)? cut;

    /// <summary>Who is missing, and for how long; null where nobody is.</summary>
    public string? Missing { get; private set; }

    /// <summary>When the coordinator was last heard; null where it never was.</summary>
    public DateTimeOffset? Heard => heard;

    /// <summary>Takes in how the connection is.</summary>
    /// <param name="name">The broker.</param>
    /// <param name="problem">Why it cannot be reached; null where it can.</param>
    /// <param name="now">The time.</param>
    public void Connection(string name, string? problem, DateTimeOffset now)
    {
        if (began is null)
            began = connected = now;
        if (problem is not null)
        {
            // The broker says anew who is there when it is back.
            if (cut is null)
                online.Clear();
            offline = null;
            cut = (name, problem, cut?.Since ?? now);
        }
        else if (cut is not null)
        {
            (cut, connected) = (null, now);
        }
    }

    /// <summary>Takes in what may be a sign of life.</summary>
    /// <param name="message">The message.</param>
    /// <param name="isRetained">Whether the broker had kept it, so that its sender may have gone long ago.</param>
    /// <param name="now">The time.</param>
    public void Apply(ControlMessage message, bool isRetained, DateTimeOffset now)
    {
        switch (message)
        {
            case Presence { Status: NodeStatus.Offline } presence:
                online.Remove(presence.From);
                if (presence.From == last?.Node)
                    offline ??= now;
                break;
            case Presence presence when online.Count < MaximumNodes:
                online.Add(presence.From);
                break;
            case CoordinatorClaim claim:
                Sign(claim.From, claim.Term, isRetained || claim.Released, now);
                break;
            case CoordinatorBeat beat:
                Sign(beat.From, beat.Term, isRetained, now);
                break;
            case SwarmState state:
                Sign(state.From, state.Term, isRetained, now);
                break;
        }
    }

    /// <summary>Notices that time has gone by.</summary>
    /// <returns>What is to be told: who is missing, now and then, or who is back.</returns>
    public Happening? Tick(DateTimeOffset now)
    {
        Missing = MissingAt(now);
        if (cut is { } gone)
            return Missing is not null && broker.IsDue(gone.Since, now) ? new Happening.Waiting(Missing) : null;
        if (broker.End() is { } outage)
            return new Happening.Back($"The broker is reachable again after {Texts.Span(connected - outage)}");
        if (Missing is not null)
            return seat.IsDue(heard ?? began!.Value, now) ? new Happening.Waiting(Missing) : null;
        return heard > seat.Told && seat.End() is { } silence
            ? new Happening.Back($"{last!.Value.Node} coordinates (term {last.Value.Term}), after {Texts.Span(heard.Value - silence)} in which nobody did")
            : null;
    }

    private string? MissingAt(DateTimeOffset now)
    {
        if (cut is { } gone)
        {
            return now - gone.Since < BrokerPatience ? null
                : $"broker {gone.Broker} not reachable for {Texts.Span(now - gone.Since)}: {gone.Problem.TrimEnd('.')}; trying again";
        }
        // What was not heard while the connection was cut proves nothing.
        if (began is null || (now - (heard > connected ? heard.Value : connected) < SeatPatience && !(now - offline >= LossPatience)))
            return null;
        var since = heard is { } sign ? $"for {Texts.Span(now - sign)}" : $"since the watch began {Texts.Span(now - began.Value)} ago";
        var who = last is { } known ? $" (last: {known.Node}, term {known.Term.ToString(CultureInfo.InvariantCulture)})" : "";
        return $"nobody has coordinated {since}{who}; {online.Count.ToString(CultureInfo.InvariantCulture)} {(online.Count == 1 ? "node" : "nodes")} online";
    }

    private void Sign(string node, long term, bool isOld, DateTimeOffset now)
    {
        if (!isOld)
            (heard, offline) = (now, null);
        else if (heard is not null || term < last?.Term)
            return;
        last = (node, term);
    }

    /// <summary>Something to be told once, and again each minute while it lasts.</summary>
    private sealed class Reminder
    {
        private static readonly TimeSpan Pause = TimeSpan.FromMinutes(1);

        private DateTimeOffset since;

        public DateTimeOffset? Told { get; private set; }

        public bool IsDue(DateTimeOffset from, DateTimeOffset now)
        {
            if (now - Told < Pause)
                return false;
            if (Told is null)
                since = from;
            Told = now;
            return true;
        }

        /// <summary>Since when it had lasted, where it was told.</summary>
        public DateTimeOffset? End()
        {
            if (Told is null)
                return null;
            Told = null;
            return since;
        }
    }
}

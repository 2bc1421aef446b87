using MantaLight.Messaging;

namespace MantaLight.Simulation;

/// <summary>A broker that behaves as badly as real ones were seen to, in virtual time.</summary>
internal sealed class FaultyBroker(World world, BrokerTemper temper, Draw draw, IWireObserver observer)
{
    // More would end swarms for want of luck.
    private const int MaximumLostChunks = 3;

    private readonly Dictionary<string, byte[]> retained = new(StringComparer.Ordinal);
    private readonly List<Link> links = [];
    private readonly Dictionary<string, int> wills = new(StringComparer.Ordinal);
    private int willNumber;
    private int lostChunks;
    private int restarts;

    public BrokerTemper Temper => temper;

    public Draw Draw => draw;

    public IWireObserver Observer => observer;

    /// <summary>When it last lost what it had retained; never, at first.</summary>
    public TimeSpan LastLoss { get; private set; } = TimeSpan.MinValue;

    public bool IsDown { get; private set; }

    public IReadOnlyDictionary<string, byte[]> Retained => retained;

    /// <summary>The broker as a process reaches it.</summary>
    public IBroker For(Network network) => new Door(this, network);

    /// <summary>Whether a client has been in for so long, and is not cut off without knowing it.</summary>
    public bool Hears(string clientId, TimeSpan time) => links.Find(l => l.ClientId == clientId) is { IsSilent: false } link && world.Now - link.EnteredAt >= time;

    public void GoDown(bool losesRetained)
    {
        if (IsDown)
            return;
        IsDown = true;
        restarts++;
        world.Trace.Add("down", "broker", losesRetained ? "loses retained" : "");
        world.Tally.Add(losesRetained ? Tally.RetainedLost : Tally.RetainedKept);
        foreach (var link in links)
            link.PutOut();
        links.Clear();
        wills.Clear();
        if (!losesRetained)
            return;
        LastLoss = world.Now;
        observer.RetainedLost();
        retained.Clear();
    }

    public void ComeUp()
    {
        if (IsDown)
            world.Trace.Add("up", "broker");
        IsDown = false;
    }

    /// <summary>Lets a client in, in the place of one that has its id; false where nobody is let in.</summary>
    public bool TryEnter(Link link)
    {
        if (IsDown)
            return false;
        if (links.Find(l => l.ClientId == link.ClientId) is { } older)
        {
            world.Trace.Add("takeover", link.ClientId, $"{older.Process.Name} by {link.Process.Name}");
            world.Tally.Add(Tally.TakenOver);
            links.Remove(older);
            older.PutOut(temper.Routing);
            if (temper.WillsAtOnce && draw.Chance(0.5))
            {
                if (older.Profile.Will is not null)
                    world.Tally.Add(Tally.TakeoverWill);
                Publish("", older.Profile.Will);
            }
        }
        if (!temper.KeepsWills)
            wills.Remove(link.ClientId);
        world.Trace.Add("enter", link.ClientId, link.Process.Name);
        links.Add(link);
        link.Enter();
        return true;
    }

    /// <summary>A goodbye: no will.</summary>
    public void Leave(Link link)
    {
        if (!links.Remove(link))
            return;
        world.Trace.Add("leave", link.ClientId, link.Process.Name);
        link.PutOut();
    }

    /// <summary>A death: the will is due.</summary>
    public void Bury(Link link)
    {
        if (!links.Remove(link))
            return;
        world.Trace.Add("lost", link.ClientId, link.Process.Name);
        link.PutOut();
        if (link.Profile.Will is not { } will)
            return;
        if (temper.WillsAtOnce || will.Delay <= TimeSpan.Zero)
        {
            if (will.Delay > TimeSpan.Zero)
                world.Tally.Add(Tally.EarlyWill);
            Publish("", will);
            return;
        }
        var number = wills[link.ClientId] = ++willNumber;
        world.After(will.Delay, () =>
        {
            if (IsDown || wills.GetValueOrDefault(link.ClientId) != number)
                return;
            wills.Remove(link.ClientId);
            if (links.Exists(l => l.ClientId == link.ClientId))
                world.Tally.Add(Tally.KeptWill);
            Publish("", will);
        });
    }

    public void Subscribe(Link link, string filter)
    {
        link.Subscribe(filter);
        if (!temper.Limits.ReplaysRetainedByWildcard && filter.Contains("/blobs/", StringComparison.Ordinal) && filter.EndsWith('+'))
            return;
        foreach (var (topic, payload) in Matching(filter))
            link.Deliver(topic, payload, retained: true);
    }

    /// <summary>A publish that has arrived over a link.</summary>
    public void Publish(Link link, string topic, byte[] payload, bool retain, Delivery delivery)
    {
        if (!link.IsIn && world.Now >= link.RoutedUntil)
            return;
        var begun = restarts;
        link.Route(() =>
        {
            // What had not come around goes with the broker that had acknowledged it.
            if (begun == restarts)
                Publish(link.ClientId, topic, payload, retain, delivery, late: !link.IsIn);
        });
    }

    /// <summary>A publish of somebody whose connection is not simulated.</summary>
    public void PublishFrom(string client, string topic, byte[] payload, bool retain = false, Delivery delivery = Delivery.AtLeastOnce) =>
        Publish(client, topic, payload, retain, delivery);

    private void Publish(string from, BrokerWill? will)
    {
        if (will is not null)
            Publish(from, will.Topic, will.Payload.ToArray(), will.Retain, Delivery.AtLeastOnce);
    }

    private void Publish(string from, string topic, byte[] payload, bool retain, Delivery delivery, bool late = false)
    {
        if (IsDown)
            return;
        world.Trace.Add("publish", from, topic, payload);
        if (late)
            world.Tally.Add(Tally.LateEffect);
        if (retain && payload.Length > 0 && temper.LosesChunks > 0 && lostChunks < MaximumLostChunks
            && topic.Contains("/blobs/", StringComparison.Ordinal) && draw.Chance(temper.LosesChunks))
        {
            lostChunks++;
            retain = false;
            world.Trace.Add("not kept", from, topic);
            world.Tally.Add(Tally.ChunkNotKept);
        }
        if (retain && payload.Length == 0)
            retained.Remove(topic);
        else if (retain)
            retained[topic] = payload;
        observer.Published(from, topic, payload, retain, late);
        // One on its way from node to node is gone: whoever waits for it asks again.
        if (temper.LosesChunks > 0 && !retain && payload.Length > 0 && topic.Contains("/nodes/", StringComparison.Ordinal)
            && topic.Contains("/blobs/", StringComparison.Ordinal) && draw.Chance(temper.LosesChunks))
        {
            world.Trace.Add("gone", from, topic);
            world.Tally.Add(Tally.ChunkLost);
            return;
        }
        foreach (var link in links)
        {
            if (!link.Wants(topic))
                continue;
            link.Deliver(topic, payload, retained: false);
            if (temper.Duplicates > 0 && delivery == Delivery.AtLeastOnce && draw.Chance(temper.Duplicates))
            {
                world.Tally.Add(Tally.Duplicate);
                link.Deliver(topic, payload, retained: false);
            }
        }
    }

    private List<KeyValuePair<string, byte[]>> Matching(string filter)
    {
        if (!filter.AsSpan().ContainsAny('+', '#'))
            return retained.TryGetValue(filter, out var exact) ? [new(filter, exact)] : [];
        return [.. retained.Where(r => TopicFilter.Matches(filter, r.Key)).OrderBy(r => r.Key, StringComparer.Ordinal)];
    }

    private sealed class Door(FaultyBroker broker, Network network) : IBroker
    {
        public string Description => "simulated://broker";

        public async Task<IBrokerConnection> ConnectAsync(ConnectionProfile profile, CancellationToken cancellationToken)
        {
            network.Process.CheckAlive();
            return await FaultyConnection.OpenAsync(broker, network, profile, cancellationToken);
        }
    }
}

using MantaLight.Messaging;

namespace MantaLight.Simulation;

/// <summary>
/// One network connection between a client and the broker, each with its own idea of whether it is there: whoever hears
/// nothing for long enough gives it up.
/// </summary>
internal sealed class Link
{
    private readonly FaultyBroker broker;
    private readonly Network network;
    private readonly World world;
    private readonly TimeSpan latency;
    private readonly Lane up;
    private readonly Lane down;
    private readonly Backlog backlog;
    private readonly Dictionary<string, int> filters = new(StringComparer.Ordinal);
    private readonly Dictionary<string, bool> wanted = new(StringComparer.Ordinal);
    private TimeSpan routed;
    private int silence;
    private int cut;
    private bool isSilent;
    private bool isCut;
    private bool isOut;

    public Link(FaultyBroker broker, Network network, ConnectionProfile profile)
    {
        (this.broker, this.network, Profile) = (broker, network, profile);
        world = network.Process.World;
        backlog = new Backlog(world, broker, profile.ClientId);
        latency = broker.Temper.MinimumLatency + ((broker.Temper.MaximumLatency - broker.Temper.MinimumLatency) * network.Distance);
        up = new Lane(world, broker.Draw, broker.Temper, latency, () => network.IsCut, () => network.IsSlow);
        down = new Lane(world, broker.Draw, broker.Temper, latency, () => network.IsDeaf, () => network.IsSlow);
        network.Add(this);
        NetworkChanged();
    }

    public ConnectionProfile Profile { get; }

    public string ClientId => Profile.ClientId;

    public SimulatedProcess Process => network.Process;

    /// <summary>Whether the broker has it among its clients.</summary>
    public bool IsIn { get; private set; }

    /// <summary>When the broker let it in.</summary>
    public TimeSpan EnteredAt { get; private set; }

    /// <summary>Whether nothing comes through, and nobody has noticed yet.</summary>
    public bool IsSilent => isSilent;

    /// <summary>Whether the client uses it.</summary>
    public bool IsUp { get; private set; }

    /// <summary>Until when the broker lets take effect what was on its way when another connection took the client id over.</summary>
    public TimeSpan RoutedUntil { get; private set; }

    /// <summary>Called in the client when a message arrives.</summary>
    public Action<BrokerMessage>? Received { get; set; }

    /// <summary>Called when the client learns that the link is no more.</summary>
    public Action<string>? Lost { get; set; }

    /// <summary>Lets a publish that has arrived take effect: at once or, from far away, when it has come around, in its turn.</summary>
    public void Route(Action effect)
    {
        if (!network.IsFar || broker.Temper.Routing == TimeSpan.Zero)
        {
            effect();
            return;
        }
        // What was on its way at a takeover has come around when it arrives.
        var moment = IsIn ? world.Now + broker.Draw.Between(TimeSpan.Zero, broker.Temper.Routing) : world.Now;
        world.At(routed = moment > routed ? moment : routed, effect);
    }

    public void SendUp(string key, int size, Action arrive) => up.Send(key, size, arrive);

    /// <summary>Sends the client something that is no message; it hears of it only while it uses the link.</summary>
    public void SendDown(string key, Action arrive) => down.Send(key, 8, () =>
    {
        if (IsUp)
            arrive();
    });

    /// <summary>Delivers a message, or drops it without a word where too many wait.</summary>
    public void Deliver(string topic, byte[] payload, bool retained) => backlog.Add(topic, arrived => down.Send(topic, topic.Length + payload.Length, () =>
    {
        if (arrived() && IsUp)
            Received?.Invoke(new BrokerMessage(topic, new(payload), retained));
    }));

    public void Subscribe(string filter)
    {
        filters[filter] = filters.GetValueOrDefault(filter) + 1;
        wanted.Clear();
    }

    public void Unsubscribe(string filter)
    {
        filters.Remove(filter);
        wanted.Clear();
    }

    public bool Wants(string topic)
    {
        if (wanted.TryGetValue(topic, out var known))
            return known;
        if (wanted.Count > 1000)
            wanted.Clear();
        return wanted[topic] = filters.Keys.Any(filter => TopicFilter.Matches(filter, topic));
    }

    /// <summary>The broker has let the client in.</summary>
    public void Enter()
    {
        (IsIn, EnteredAt) = (true, world.Now);
        if (isSilent)
            world.After(Profile.KeepAlive * 1.5, () => Expire(silence));
    }

    /// <summary>The client has heard so.</summary>
    public void Begin() => IsUp = true;

    /// <summary>The broker has put it out: for silence, for another of its name, or because it ends itself.</summary>
    public void PutOut(TimeSpan routing = default)
    {
        (IsIn, isOut) = (false, true);
        RoutedUntil = world.Now + routing;
        if (routing > TimeSpan.Zero)
            up.Scatter(routing);
        down.Clear();
        backlog.Clear();
        // Given up while the network was cut, it has nobody left.
        if (!IsUp)
            world.After(routing, () => network.Remove(this));
        TellClosed();
    }

    /// <summary>The client gives it up without a goodbye; the broker notices unless nothing passes.</summary>
    public void Break()
    {
        IsUp = false;
        if (network.IsCut)
        {
            if (isOut)
                network.Remove(this);
            return;
        }
        world.After(latency, () =>
        {
            if (IsIn)
                broker.Bury(this);
            network.Remove(this);
        });
    }

    /// <summary>The client has said goodbye and uses it no more.</summary>
    public void Leave()
    {
        IsUp = false;
        SendUp("", 2, () => broker.Leave(this));
    }

    public void NetworkChanged()
    {
        if (!network.IsCut)
            up.Thaw();
        if (!network.IsDeaf)
            down.Thaw();
        if (network.IsSilent != isSilent)
        {
            isSilent = network.IsSilent;
            var epoch = ++silence;
            if (isSilent)
                world.After(Profile.KeepAlive * 1.5, () => Expire(epoch));
        }
        if (network.IsCut != isCut)
        {
            isCut = network.IsCut;
            var epoch = ++cut;
            if (isCut)
                world.After(Profile.KeepAlive + Profile.Timeout, () => GiveUp(epoch));
        }
        if (!IsIn)
            TellClosed();
    }

    /// <summary>The client misses an answer: it gives the link up.</summary>
    public void Stalled(string reason)
    {
        if (!IsUp || !Process.IsAlive || Process.IsPaused)
            return;
        Break();
        Lost?.Invoke(reason);
    }

    private void Expire(int epoch)
    {
        if (epoch == silence && IsIn)
            broker.Bury(this);
    }

    private void GiveUp(int epoch)
    {
        if (epoch == cut)
            Stalled("no sign of life");
    }

    private void TellClosed()
    {
        if (!IsUp || network.IsDeaf)
            return;
        world.After(latency, () =>
        {
            if (!IsUp || network.IsDeaf)
                return;
            IsUp = false;
            network.Remove(this);
            Lost?.Invoke("closed by the broker");
        });
    }
}

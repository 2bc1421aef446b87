namespace MantaLight.Simulation;

/// <summary>
/// One direction of a link. Things sent under one key arrive in their order; those of different keys may overtake each
/// other. While the lane is blocked nothing arrives; it all does later, if the link lives so long.
/// </summary>
internal sealed class Lane(World world, Draw draw, BrokerTemper temper, TimeSpan latency, Func<bool> isBlocked, Func<bool> isSlow)
{
    private readonly Dictionary<string, Queue<(long Number, Action Arrive)>> parcels = new(StringComparer.Ordinal);
    private readonly Queue<string> blocked = new();
    private TimeSpan busyUntil;
    private int generation;
    private long sent;
    private long latest;

    public void Send(string key, int size, Action arrive)
    {
        if (!temper.ReordersTopics)
            key = "";
        if (!parcels.TryGetValue(key, out var queue))
            parcels[key] = queue = new Queue<(long, Action)>();
        queue.Enqueue((++sent, arrive));
        var start = world.Now;
        if (isSlow())
        {
            world.Tally.Add(Tally.Slow);
            start = busyUntil = (busyUntil > world.Now ? busyUntil : world.Now) + TimeSpan.FromSeconds((double)size / temper.SlowLink);
        }
        Schedule(key, start + draw.Between(temper.MinimumLatency, latency));
    }

    /// <summary>Lets arrive what was blocked.</summary>
    public void Thaw()
    {
        while (blocked.TryDequeue(out var key))
            Schedule(key, world.Now + draw.Between(temper.MinimumLatency, latency));
    }

    /// <summary>Lets everything on its way arrive at some time within a span from now: it has passed whatever blocks the lane.</summary>
    public void Scatter(TimeSpan span)
    {
        generation++;
        blocked.Clear();
        foreach (var (key, queue) in parcels)
        {
            for (var i = 0; i < queue.Count; i++)
                Schedule(key, world.Now + draw.Between(TimeSpan.Zero, span), hasPassed: true);
        }
    }

    /// <summary>Loses everything on its way.</summary>
    public void Clear()
    {
        generation++;
        parcels.Clear();
        blocked.Clear();
    }

    private void Schedule(string key, TimeSpan moment, bool hasPassed = false)
    {
        var armed = generation;
        world.At(moment, () =>
        {
            if (armed == generation)
                Arrive(key, hasPassed);
        });
    }

    private void Arrive(string key, bool hasPassed)
    {
        if (isBlocked() && !hasPassed)
            blocked.Enqueue(key);
        else if (parcels.TryGetValue(key, out var queue) && queue.TryDequeue(out var parcel))
        {
            if (parcel.Number < latest)
                world.Tally.Add(Tally.Overtaken);
            latest = Math.Max(latest, parcel.Number);
            parcel.Arrive();
        }
    }
}

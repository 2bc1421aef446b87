namespace MantaLight.Simulation;

/// <summary>What the broker has for a client: so many messages under way and not acknowledged, others behind them, and no more than the limit.</summary>
internal sealed class Backlog(World world, FaultyBroker broker, string client)
{
    private readonly Queue<Parcel> parcels = new();
    private readonly Queue<Parcel> waiting = new();
    private int underWay;
    private int generation;
    private int dropped;

    /// <summary>Sends a message now or in its turn; where too many wait, the broker drops it, or the oldest of them, without a word.</summary>
    /// <param name="topic">Its topic.</param>
    /// <param name="send">Sends it, and asks when it has arrived whether the broker had not dropped it before.</param>
    public void Add(string topic, Action<Func<bool>> send)
    {
        var before = underWay + waiting.Count - dropped;
        var isDropped = before >= broker.Temper.QueueLimit;
        broker.Observer.Waits(client, topic, before, isDropped);
        if (isDropped)
            world.Trace.Add("overflow", client, topic);
        if (isDropped && !(broker.Temper.DropsOldest && DropOldest()))
        {
            world.Tally.Add(Tally.NewestDropped);
            return;
        }
        if (isDropped)
            world.Tally.Add(Tally.OldestDropped);
        var parcel = new Parcel(send);
        parcels.Enqueue(parcel);
        if (underWay < broker.Temper.InFlight)
            Begin(parcel);
        else
            waiting.Enqueue(parcel);
    }

    /// <summary>The client has gone.</summary>
    public void Clear()
    {
        generation++;
        parcels.Clear();
        waiting.Clear();
        (underWay, dropped) = (0, 0);
    }

    // What is under way within a window is out of the queue; without a window, all that has not arrived is in it.
    private bool DropOldest()
    {
        if (broker.Temper.InFlight < int.MaxValue)
            return waiting.TryDequeue(out _);
        while (parcels.TryDequeue(out var oldest))
        {
            if (oldest.HasArrived)
                continue;
            oldest.IsDropped = true;
            dropped++;
            return true;
        }
        return false;
    }

    private void Begin(Parcel parcel)
    {
        var begun = generation;
        underWay++;
        parcel.Send(() =>
        {
            parcel.HasArrived = true;
            if (broker.Temper.InFlight == int.MaxValue)
                Acknowledged(parcel, begun);
            else
                world.After(broker.Draw.Between(broker.Temper.MinimumLatency, broker.Temper.MaximumLatency), () => Acknowledged(parcel, begun));
            return !parcel.IsDropped;
        });
    }

    private void Acknowledged(Parcel parcel, int begun)
    {
        if (begun != generation)
            return;
        underWay--;
        if (parcel.IsDropped)
            dropped--;
        while (parcels.TryPeek(out var first) && first.HasArrived)
            parcels.Dequeue();
        if (waiting.TryDequeue(out var next))
            Begin(next);
    }

    private sealed class Parcel(Action<Func<bool>> send)
    {
        public Action<Func<bool>> Send => send;

        public bool HasArrived { get; set; }

        public bool IsDropped { get; set; }
    }
}

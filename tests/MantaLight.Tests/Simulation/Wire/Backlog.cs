namespace MantaLight.Simulation;

/// <summary>What the broker has for a client: so many messages under way and not acknowledged, others behind them, and no more than the limit.</summary>
internal sealed class Backlog(World world, FaultyBroker broker, string client)
{
    private readonly Queue<Action<Action>> waiting = new();
    private int underWay;
    private int generation;

    /// <summary>Sends a message now or in its turn, or drops it without a word where too many wait.</summary>
    /// <param name="topic">Its topic.</param>
    /// <param name="send">Sends it, and calls back when it has arrived.</param>
    public void Add(string topic, Action<Action> send)
    {
        var before = underWay + waiting.Count;
        var isDropped = before >= broker.Temper.QueueLimit;
        broker.Observer.Waits(client, topic, before, isDropped);
        if (isDropped)
            world.Trace.Add("overflow", client, topic);
        else if (underWay < broker.Temper.InFlight)
            Begin(send);
        else
            waiting.Enqueue(send);
    }

    /// <summary>The client has gone.</summary>
    public void Clear()
    {
        generation++;
        waiting.Clear();
        underWay = 0;
    }

    private void Begin(Action<Action> send)
    {
        var begun = generation;
        underWay++;
        send(() =>
        {
            if (broker.Temper.InFlight == int.MaxValue)
                Acknowledged(begun);
            else
                world.After(broker.Draw.Between(broker.Temper.MinimumLatency, broker.Temper.MaximumLatency), () => Acknowledged(begun));
        });
    }

    private void Acknowledged(int begun)
    {
        if (begun != generation)
            return;
        underWay--;
        if (waiting.TryDequeue(out var next))
            Begin(next);
    }
}

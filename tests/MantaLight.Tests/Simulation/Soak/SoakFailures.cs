namespace MantaLight.Simulation;

/// <summary>Has a node fail every minute. One is never killed but cut off, so that what a long life gathers shows.</summary>
internal sealed class SoakFailures(World world, SimulatedNode[] nodes, long seed)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    private readonly Draw draw = Draw.For(seed, "failures");
    private TimeSpan end;

    /// <summary>How many there were.</summary>
    public int Count { get; private set; }

    public void Start(TimeSpan until)
    {
        end = until;
        world.After(Interval, Next);
    }

    private void Next()
    {
        if (world.Now >= end)
            return;
        Count++;
        var number = draw.Below(nodes.Length);
        if (number == 0)
            Cut(nodes[0]);
        else
            Kill(nodes[number]);
        world.After(Interval, Next);
    }

    private void Kill(SimulatedNode node)
    {
        if (node.Network is { } network)
            network.DiesInSilence = draw.Chance(0.3);
        node.Kill(losesPower: draw.Chance(0.2));
        world.After(draw.Between(TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(40)), node.Start);
    }

    private void Cut(SimulatedNode node)
    {
        if (node.Network is not { } network)
            return;
        network.Cut(true);
        world.After(draw.Between(TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(50)), () => network.Cut(false));
    }
}

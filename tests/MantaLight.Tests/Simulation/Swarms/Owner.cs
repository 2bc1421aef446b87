using System.Text;
using MantaLight.Messaging;
using MantaLight.Protocol;

namespace MantaLight.Simulation;

/// <summary>Who publishes the definitions and changes their mind about them. Nothing ever happens to the owner's own machine.</summary>
internal sealed class Owner(World world, FaultyBroker broker, HistoryPlan plan)
{
    /// <summary>How long after a total loss somebody may be putting back what was lost.</summary>
    private static readonly TimeSpan PutBack = TimeSpan.FromMinutes(1);

    private readonly SimulatedProcess process = new(world, "owner", TimeSpan.Zero);
    private readonly Draw draw = Draw.For(plan.Seed, "owner");
    private readonly Dictionary<string, int> versions = new(StringComparer.Ordinal);
    private readonly Dictionary<string, TimeSpan> published = new(StringComparer.Ordinal);
    private readonly List<string> paused = [];
    private Task saying = Task.CompletedTask;
    private int underWay;

    /// <summary>Whether everything that was planned has been done.</summary>
    public bool IsDone => underWay == 0;

    public Topics Topics { get; } = new(Evidence.Cluster);

    /// <summary>The definition that each swarm should be running, by its version; 0 where it was removed.</summary>
    public IReadOnlyDictionary<string, int> Versions => versions;

    public void Start()
    {
        foreach (var swarm in plan.Swarms)
        {
            versions[swarm.Name] = 1;
            Plan(swarm.Published, () => Publish(swarm, 1));
            for (var i = 0; i < swarm.Whims; i++)
                Plan(draw.Between(swarm.Published + TimeSpan.FromSeconds(1), plan.Restless), () => Whim(swarm));
            // What was paused goes on in the end.
            Plan(plan.Restless + TimeSpan.FromSeconds(1), () => paused.Remove(swarm.Name) ? Control(swarm, SwarmAction.Resume) : null);
        }
    }

    /// <summary>
    /// Looks after a swarm from time to time: what was lost before anybody had heard it is said again, and what waits for what
    /// nobody has any more is stopped.
    /// </summary>
    public void LookAfter(SwarmPlan swarm, SwarmState? state, bool isDestroyed)
    {
        if (underWay > 0)
            return;
        var version = versions[swarm.Name];
        if (version == 0)
            Plan(world.Now, () => Publish(swarm, 0));
        else if (IsAtRisk(swarm) && world.Now > plan.Restless + TimeSpan.FromMinutes(2) && !IsRetained(swarm, version))
            Plan(world.Now, () => Publish(swarm, version));
        else if (state?.Status == RunStatus.Paused)
            Plan(world.Now, () => Control(swarm, SwarmAction.Resume));
        else if (isDestroyed)
            Plan(world.Now, () => Control(swarm, SwarmAction.Stop));
    }

    // Whoever had found the one before it missing may have put that back over it, and died.
    private bool IsAtRisk(SwarmPlan swarm) => broker.LastLoss > TimeSpan.MinValue && broker.LastLoss + PutBack >= published[swarm.Name];

    private bool IsRetained(SwarmPlan swarm, int version) => broker.Retained.TryGetValue(Topics.Definition(swarm.Name), out var retained)
        && retained.AsSpan().SequenceEqual(Encoding.UTF8.GetBytes(swarm.Definition(version)));

    public void RemoveAll()
    {
        foreach (var swarm in plan.Swarms)
        {
            versions[swarm.Name] = 0;
            Plan(world.Now, () => Publish(swarm, 0));
        }
    }

    private void Plan(TimeSpan moment, Func<OutboundMessage?> make)
    {
        underWay++;
        world.At(moment, () => process.Start(() => saying = SayInTurnAsync(saying, make), problem =>
        {
            underWay--;
            if (problem is not null)
                world.Fail($"The owner failed: {problem}");
        }));
    }

    private OutboundMessage? Whim(SwarmPlan swarm)
    {
        if (versions[swarm.Name] == 0)
            return Publish(swarm, 7);
        switch (draw.Below(6))
        {
            case 0:
            case 1:
                paused.Add(swarm.Name);
                return Control(swarm, SwarmAction.Pause);
            case 2:
                return Control(swarm, SwarmAction.Stop);
            case 3:
            case 4:
                return Publish(swarm, versions[swarm.Name] + 1);
            default:
                return Publish(swarm, 0);
        }
    }

    private OutboundMessage Publish(SwarmPlan swarm, int version)
    {
        versions[swarm.Name] = version;
        published[swarm.Name] = world.Now;
        return new OutboundMessage(Topics.Definition(swarm.Name), version == 0 ? ReadOnlyMemory<byte>.Empty : Encoding.UTF8.GetBytes(swarm.Definition(version)), retain: true);
    }

    private OutboundMessage Control(SwarmPlan swarm, SwarmAction action) => new(
        Topics.Control(swarm.Name), ProtocolJson.Write(new MessageStamp("owner", "owner", process.Clock).Stamp(new SwarmControl { Action = action })));

    // One word after the other: the broker must not hear the older one last.
    private async Task SayInTurnAsync(Task before, Func<OutboundMessage?> make)
    {
        await before;
        await SayAsync(make);
    }

    // As the tool does it: a connection for each word, until the broker has taken it.
    private async Task SayAsync(Func<OutboundMessage?> make)
    {
        if (make() is not { } message)
            return;
        while (true)
        {
            try
            {
                await using var connection = await broker.For(new Network(process)).ConnectAsync(new ConnectionProfile { ClientId = "owner", Reconnect = false }, CancellationToken.None);
                await connection.PublishAsync(message, CancellationToken.None);
                return;
            }
            catch (Exception e) when (e is BrokerUnreachableException or BrokerConnectionLostException)
            {
                await Task.Delay(TimeSpan.FromSeconds(1), process.Clock);
            }
        }
    }
}

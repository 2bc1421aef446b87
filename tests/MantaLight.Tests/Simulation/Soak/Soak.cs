using System.Diagnostics;
using System.Globalization;
using MantaLight.Protocol;

namespace MantaLight.Simulation;

/// <summary>How it went.</summary>
/// <param name="Samples">What was measured, in order.</param>
/// <param name="Violations">What must not have happened.</param>
internal sealed record SoakOutcome(IReadOnlyList<SoakSample> Samples, IReadOnlyList<string> Violations);

/// <summary>A swarm that goes on for hours, round after round, while a node fails every minute; then its owner removes it.</summary>
internal sealed class Soak
{
    /// <summary>How often broker and disks are looked at.</summary>
    private static readonly TimeSpan Glance = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(30);

    private readonly SoakSettings settings;
    private readonly World world;
    private readonly Evidence evidence;
    private readonly FaultyBroker broker;
    private readonly SimulatedNode[] nodes;
    private readonly Owner owner;
    private readonly SoakFailures failures;
    private readonly SoakGauge gauge;
    private readonly string swarm;

    private Soak(SoakSettings settings)
    {
        this.settings = settings;
        var plan = settings.ToPlan();
        swarm = plan.Swarms[0].Name;
        world = new World(settings.Seed);
        evidence = new Evidence(world, plan);
        broker = new FaultyBroker(world, plan.Temper, Draw.For(settings.Seed, "broker"), evidence);
        var mutations = new Mutations(Mutation.None);
        nodes = [.. plan.Nodes.Select(id => new SimulatedNode(world, broker, plan, id, evidence, mutations))];
        owner = new Owner(world, broker, plan);
        failures = new SoakFailures(world, nodes, settings.Seed);
        gauge = new SoakGauge(broker, nodes);
    }

    /// <param name="settings">How long, how many.</param>
    /// <param name="told">Told of each sample.</param>
    public static SoakOutcome Run(SoakSettings settings, Action<SoakSample> told)
    {
        // Nothing of it may run on the pool.
        SoakOutcome? outcome = null;
        Exception? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                outcome = new Soak(settings).Run(told);
            }
            catch (Exception e)
            {
                failure = e;
            }
        });
        thread.Start();
        thread.Join();
        return outcome ?? throw new InvalidOperationException("The simulation itself failed.", failure);
    }

    private SoakOutcome Run(Action<SoakSample> told)
    {
        foreach (var node in nodes)
            world.At(TimeSpan.FromSeconds(1), node.Start);
        owner.Start();
        failures.Start(settings.Duration);
        Look();
        var samples = Sample(told).ToArray();
        Remove();
        string[] violations = world.Failure is { } failure ? [failure] : [.. SoakVerdict.Of(samples), .. Leftovers()];
        return new SoakOutcome(samples, violations);
    }

    private IEnumerable<SoakSample> Sample(Action<SoakSample> told)
    {
        var watch = Stopwatch.StartNew();
        var (round, term, failed, messages) = (0, 0L, 0, 0L);
        for (var at = settings.Interval; at <= settings.Duration && world.Failure is null; at += settings.Interval)
        {
            world.Run(() => false, at);
            if (world.Failure is not null)
                yield break;
            var state = evidence.States.GetValueOrDefault(swarm);
            var (files, diskBytes, topics, brokerBytes) = gauge.Read();
            var sample = new SoakSample
            {
                At = at, Rounds = (state?.Round ?? 0) - round, Terms = (state?.Term ?? 0) - term, Failures = failures.Count - failed, Heap = GC.GetTotalMemory(forceFullCollection: true),
                Topics = topics, BrokerBytes = brokerBytes, Files = files, DiskBytes = diskBytes, Messages = evidence.Messages - messages, Real = watch.Elapsed,
            };
            (round, term, failed, messages) = (state?.Round ?? 0, state?.Term ?? 0, failures.Count, evidence.Messages);
            told(sample);
            yield return sample;
        }
    }

    private void Look() => world.After(Glance, () =>
    {
        gauge.Look();
        Look();
    });

    private void Remove()
    {
        // Who fell last is back before the removal, as it would be in a cluster that is looked after.
        if (world.Failure is null)
            world.Run(() => false, settings.Duration + TimeSpan.FromMinutes(1));
        owner.RemoveAll();
        if (world.Failure is null)
            world.Run(() => owner.IsDone && !Leftovers().Any(), world.Now + Patience);
    }

    /// <summary>Whatever is there after the removal that is neither a presence nor the tombstone.</summary>
    private IEnumerable<string> Leftovers()
    {
        if (evidence.States.GetValueOrDefault(swarm) is not { Status: RunStatus.Removed })
            yield return "there is no tombstone";
        var presences = nodes.Select(n => owner.Topics.Presence(n.Id));
        foreach (var topic in broker.Retained.Keys.Except(presences).Except([owner.Topics.State(swarm)]))
            yield return $"the broker retains {topic}";
        foreach (var node in nodes)
        {
            foreach (var file in node.Disk.Names)
                yield return string.Create(CultureInfo.InvariantCulture, $"on the disk of {node.Id} is {file}");
        }
    }
}

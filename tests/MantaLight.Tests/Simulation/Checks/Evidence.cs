using System.Buffers;
using MantaLight.Messaging;
using MantaLight.Protocol;
using Microsoft.Extensions.Logging;

namespace MantaLight.Simulation;

/// <summary>Collects what the wire and the logs tell, and lets the checks judge it.</summary>
internal sealed class Evidence : IWireObserver
{
    public const string Cluster = "sim";

    private readonly World world;
    private readonly Topics topics = new(Cluster);
    private readonly List<ICheck> checks;
    private readonly Dictionary<string, SwarmState> states = new(StringComparer.Ordinal);

    public Evidence(World world, HistoryPlan plan)
    {
        this.world = world;
        Attempts = new AttemptCheck(world);
        Values = new ValueCheck(world, plan);
        checks = [new AuthorityCheck(world), new CommitCheck(world), Attempts, Values, Blobs = new BlobCheck(world), Buffers = new BufferCheck(world, plan), new TrafficCheck(world, plan)];
    }

    public AttemptCheck Attempts { get; }

    public ValueCheck Values { get; }

    public BlobCheck Blobs { get; }

    public BufferCheck Buffers { get; }

    /// <summary>Adds a check.</summary>
    public void Add(ICheck check) => checks.Add(check);

    /// <summary>Publishes below each swarm, and their bytes.</summary>
    public long Messages { get; private set; }

    public long Bytes { get; private set; }

    /// <summary>Claims of coordinators that were not given back.</summary>
    public long Claims { get; private set; }

    /// <summary>The last state of each swarm.</summary>
    public IReadOnlyDictionary<string, SwarmState> States => states;

    public ILoggerFactory LoggersFor(SimulatedProcess process) => new ProcessLoggers(process, Attempts);

    public void Published(string client, string topic, byte[] payload, bool retain, bool late)
    {
        Messages++;
        Bytes += topic.Length + payload.Length;
        var levels = topics.Split(topic);
        var sighting = new Sighting(client, levels, payload, retain, late, Read(levels, payload));
        if (sighting.Message is CoordinatorClaim { Released: false })
            Claims++;
        if (sighting.Message is SwarmState state)
            states[state.Swarm] = state;
        if (world.Trace.Writes && Summary(sighting.Message) is { } summary)
            world.Trace.Write("  says", summary);
        foreach (var check in checks)
            check.Seen(sighting);
    }

    public void RetainedLost()
    {
        foreach (var check in checks)
            check.RetainedLost();
    }

    private static string? Summary(ControlMessage? message) => message switch
    {
        CoordinatorClaim m => $"{m.Incarnation} claims term {m.Term}{(m.Released ? ", released" : "")}",
        SwarmState m => $"{m.Run} {m.Status} in round {m.Round}, term {m.Term}: {string.Join(", ", m.Tasks.Select(t => $"{t.Alias} {t.Phase} {t.Completed}/{t.Placed}"))}; globals {string.Join(", ", m.Globals.Select(g => $"{g.Tag} {g.Version} {g.Content.Blob?.Sha256[..8]}"))}; retiring {string.Join(", ", m.Retiring.Select(r => r.Sha256[..8]))}; {m.Waiting}{m.Reason}{string.Concat(m.History.Where(h => h.Skipped is not null).Select(h => $"; round {h.Round} skipped"))}{string.Concat(m.LeftOut.Select(l => $"; {l.Node} failed {l.Failures}, out until {l.UntilRound}"))}",
        ScheduleAttempt m => $"{m.Attempt}, term {m.Term}",
        TaskUpdate m => $"{m.GetType().Name} {m.Attempt} {(m as TaskFailed)?.Message}",
        Recollection m => $"{m.Incarnation} remembers {(m.State is null ? "no state" : Summary(m.State))}",
        Presence m => $"{m.Incarnation} is {m.Status}",
        _ => null,
    };

    private ControlMessage? Read(string[] levels, byte[] payload)
    {
        if (payload.Length == 0 || levels is [_, _, "blobs", ..] or ["swarms", _])
            return null;
        var message = ProtocolJson.Read<ControlMessage>(new ReadOnlySequence<byte>(payload), out var problem);
        if (message is null)
            world.Fail($"A node sent what nobody can read to {string.Join('/', levels)}: {problem}");
        return message;
    }
}

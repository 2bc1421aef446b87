using System.Buffers;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text.Json;
using MantaLight.Aggregation;
using MantaLight.Protocol;
using MantaLight.Shared;
using MantaLight.Weights;

namespace MantaLight.Simulation;

/// <summary>
/// Each committed version of the global stems from one record, and is bit for bit what the participants of the round make
/// of the version before it; and so is what other tasks of the round have made of that.
/// </summary>
internal sealed class ValueCheck(World world, HistoryPlan plan) : ICheck
{
    public const int Length = 600;

    // Only long runs have more rounds, and they are of no use to others.
    private const int CommonRounds = 4;
    private const int MaximumPast = 16;

    private static readonly Made First = Hashed(VectorMath.First(Length));

    // What the same participants make of the same global is the same in all histories.
    private static readonly ConcurrentDictionary<(string Before, string Makers), Made> Known = new();

    private readonly Dictionary<(string Run, int Round, string Hash), string> records = [];
    private readonly Dictionary<string, Standing> chains = new(StringComparer.Ordinal);

    // The last versions of each run, and the runs that the broker has forgotten since.
    private readonly Dictionary<string, Queue<Standing>> past = new(StringComparer.Ordinal);
    private readonly HashSet<string> forgotten = new(StringComparer.Ordinal);

    private readonly Dictionary<string, SwarmState> states = new(StringComparer.Ordinal);

    // The last audit of each run.
    private readonly Dictionary<string, (int Version, string Digest)> audits = new(StringComparer.Ordinal);

    private readonly Participants participants = new();

    /// <summary>How many commits of the global have been checked.</summary>
    public int Count { get; private set; }

    /// <summary>How many of them lacked a node that took part in the swarm.</summary>
    public int Partial { get; private set; }

    /// <summary>How many audits have been checked.</summary>
    public int Audits { get; private set; }

    public void Seen(Sighting sighting)
    {
        // Swarms without a barrier are another check's.
        if (plan.Swarms.Any(s => s.Name == sighting.Swarm && s.Buffer is not null))
            return;
        if (sighting.Message is ScheduleAttempt schedule)
            ScheduleSeen(sighting.Swarm, schedule);
        else if (sighting.Message is TaskCompleted record)
            RecordSeen(record);
        else if (sighting.Message is SwarmState state && !state.Status.IsRemoval())
            StateSeen(state);
    }

    // Whoever knew most of a run may be away: others then go on from what they know of it.
    public void RetainedLost() => forgotten.UnionWith(chains.Keys);

    /// <summary>The hash of the global after some rounds in which all nodes take part.</summary>
    public static string Undisturbed(IReadOnlyList<string> nodes, int rounds) =>
        Enumerable.Repeat(string.Join(',', nodes), rounds).Aggregate(First, KnownNext).Hash;

    /// <summary>Whoever's work was committed is part of what is made of it.</summary>
    private void ScheduleSeen(string swarm, ScheduleAttempt schedule)
    {
        var nodes = participants.Seen(schedule);
        if (nodes.Count > 0 && states.GetValueOrDefault(swarm) is { } state && (state.Run, state.Round, state.Term) == (schedule.Run, schedule.Round, schedule.Term)
            && state.Tasks.FirstOrDefault(t => t.Alias == "worker") is { Phase: TaskPhase.Committed } worker && nodes.Count < worker.Completed)
        {
            world.Fail($"Attempt {schedule.Attempt} is given the updates of {string.Join(',', nodes)} where {worker.Completed} nodes have completed.");
        }
    }

    private void RecordSeen(TaskCompleted record)
    {
        if (record.Globals.Any(g => g.Tag == VectorMath.Global) && record.Round > 0 && !participants.WasOrdered(record))
            world.Fail($"{record.From} has aggregated {participants.Of(record)} for {record.Attempt}, which was not its order.");
        foreach (var staged in record.Globals.Where(g => g.Tag == VectorMath.Global && g.Content.Blob is not null))
            records[(record.Run, record.Round, staged.Content.Blob!.Sha256)] = participants.Of(record);
    }

    private void StateSeen(SwarmState state)
    {
        states[state.Swarm] = state;
        if (state.Globals.FirstOrDefault(g => g.Tag == VectorMath.Global) is not { Content.Blob.Sha256: var hash } entry)
            return;
        ModelSeen(state, entry, hash);
        if (state.Globals.FirstOrDefault(g => g.Tag == VectorMath.AuditGlobal) is { Content.Value: { } audit } audited
            && chains.GetValueOrDefault(state.Run) is { } standing && standing.Version == entry.Version && standing.Made.Hash == hash)
        {
            AuditSeen(state, audited, audit.Deserialize<Audit>(JsonSerializerOptions.Web)!, standing);
        }
    }

    /// <summary>An audit reads what the round began with, whether the global of the round is committed before it or after it.</summary>
    private void AuditSeen(SwarmState state, GlobalEntry entry, Audit audit, Standing model)
    {
        if (audits.GetValueOrDefault(state.Run) == (entry.Version, audit.Digest) || model.Round > entry.Round)
            return;
        audits[state.Run] = (entry.Version, audit.Digest);
        var before = model.Round == entry.Round ? model.Before : model.Made;
        if (VectorMath.Digest(before.Values, audit.Nodes.Select(node => VectorMath.Trained(before.Values, node))) != audit.Digest)
            world.Fail($"Swarm {state.Swarm}: the audit of round {entry.Round} has seen other bits than {string.Join(',', audit.Nodes)} make of {before.Hash[..8]}.");
        Audits++;
    }

    private void ModelSeen(SwarmState state, GlobalEntry entry, string hash)
    {
        var chain = chains.GetValueOrDefault(state.Run);
        if (chain is not null && entry.Version < chain.Version && forgotten.Remove(state.Run))
            chain = GoBack(state.Run, entry.Version, hash);
        if (entry.Version <= (chain?.Version ?? 0))
            return;
        // Who knew most is back, and the run goes on from there.
        if (entry.Version > chain?.Version && past.GetValueOrDefault(state.Run)?.LastOrDefault(p => p.Version == entry.Version && p.Made.Hash == hash) is { } known)
        {
            chains[state.Run] = known;
            return;
        }
        // A run that goes on where one of the same definition has ended begins with its globals.
        if (chain is null && Predecessor(state, entry, hash) is { } inherited)
        {
            chains[state.Run] = inherited;
            return;
        }
        if (!records.TryGetValue((state.Run, entry.Round, hash), out var makers))
        {
            world.Fail($"Swarm {state.Swarm} commits version {entry.Version} of the global ({hash[..8]}), which no record of round {entry.Round} has staged.");
            return;
        }
        var before = chain?.Made ?? First;
        var expected = entry.Round == 0 ? First : entry.Round > CommonRounds ? Next(before, makers) : KnownNext(before, makers);
        if (expected.Hash != hash)
            world.Fail($"Swarm {state.Swarm}: version {entry.Version} of the global is {hash[..8]} where {expected.Hash[..8]} is expected of {makers} after {before.Hash[..8]}.");
        Note(state.Run, new Standing(entry.Version, expected, entry.Round, before));
        Forget(state.Run, entry.Round);
        Count++;
        if (entry.Round > 0 && makers.Split(',').Length < plan.Nodes.Length)
            Partial++;
    }

    private void Note(string run, Standing standing)
    {
        if (!past.TryGetValue(run, out var versions))
            past[run] = versions = new Queue<Standing>();
        versions.Enqueue(standing);
        if (versions.Count > MaximumPast)
            versions.Dequeue();
        chains[run] = standing;
    }

    /// <summary>The version that a run goes on from, or else the one before it; null where it begins anew.</summary>
    private Standing? GoBack(string run, int version, string hash)
    {
        var versions = past.GetValueOrDefault(run) ?? new Queue<Standing>();
        var found = versions.LastOrDefault(p => p.Version == version && p.Made.Hash == hash) ?? versions.LastOrDefault(p => p.Version == version - 1);
        if (found is null)
            chains.Remove(run);
        else
            chains[run] = found;
        return found;
    }

    private Standing? Predecessor(SwarmState state, GlobalEntry entry, string hash)
    {
        for (var start = state.Start - 1; start > 0; start--)
        {
            if (chains.TryGetValue(new RunId(state.Definition, start).ToString(), out var chain))
                return chain.Version == entry.Version && chain.Made.Hash == hash ? chain : null;
        }
        return null;
    }

    // A run may go on for days.
    private void Forget(string run, int round)
    {
        foreach (var old in records.Keys.Where(r => r.Run == run && r.Round < round).ToArray())
            records.Remove(old);
        participants.Forget(run, round);
    }

    private static Made KnownNext(Made before, string makers) =>
        Known.GetOrAdd((before.Hash, makers), static (key, before) => Next(before, key.Makers), before);

    private static Made Next(Made before, string makers)
    {
        using var mean = new WeightedMean();
        foreach (var node in makers.Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            using var contribution = Vector.Of(VectorMath.Trained(before.Values, node));
            mean.Add(contribution, VectorMath.Samples(node));
        }
        using var result = mean.Finish();
        return Hashed(result[0].Span<float>().ToArray());
    }

    private static Made Hashed(float[] values)
    {
        using var arrays = Vector.Of(values);
        return new Made(Convert.ToHexStringLower(SHA256.HashData(WeightsCodec.Encode(arrays).ToArray())), values);
    }

    /// <summary>A global as it must be.</summary>
    private sealed record Made(string Hash, float[] Values);

    /// <summary>The last version of a run's global.</summary>
    private sealed record Standing(int Version, Made Made, int Round, Made Before);
}

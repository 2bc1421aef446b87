using System.Buffers;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using MantaLight.Aggregation;
using MantaLight.Protocol;
using MantaLight.Shared;
using MantaLight.Weights;

namespace MantaLight.Simulation;

/// <summary>
/// Each committed version of the global stems from one record, and is bit for bit what the participants of the round make
/// of the version before it.
/// </summary>
internal sealed class ValueCheck(World world, HistoryPlan plan) : ICheck
{
    private const int Length = 600;

    // What the same participants make is the same in all histories.
    private static readonly ConcurrentDictionary<string, (string Hash, float[] Values)> Known = new(StringComparer.Ordinal);

    private readonly Dictionary<(string Run, int Round, string Hash), string> records = [];
    private readonly Dictionary<string, (int Version, string Key)> chains = new(StringComparer.Ordinal);

    /// <summary>How many commits of the global have been checked.</summary>
    public int Count { get; private set; }

    /// <summary>How many of them lacked a node that took part in the swarm.</summary>
    public int Partial { get; private set; }

    public void Seen(Sighting sighting)
    {
        if (sighting.Message is TaskCompleted record)
            RecordSeen(record);
        else if (sighting.Message is SwarmState { Status: not RunStatus.Removed } state)
            StateSeen(state);
    }

    public void RetainedLost()
    {
    }

    /// <summary>The hash of the global after some rounds in which all nodes take part.</summary>
    public static string Undisturbed(IReadOnlyList<string> nodes, int rounds) =>
        Values(Enumerable.Repeat(string.Join(',', nodes), rounds).Aggregate("", (key, all) => $"{key}/{all}")).Hash;

    private void RecordSeen(TaskCompleted record)
    {
        foreach (var staged in record.Globals.Where(g => g.Tag == VectorMath.Global && g.Content.Blob is not null))
        {
            var summary = record.Results.FirstOrDefault(r => r.Tag == FedAvg.SummaryTag)?.Content.Value;
            var participants = summary is { } value ? string.Join(',', value.GetProperty("participants").EnumerateArray().Select(p => p.GetString())) : "";
            records[(record.Run, record.Round, staged.Content.Blob!.Sha256)] = participants;
        }
    }

    private void StateSeen(SwarmState state)
    {
        if (state.Globals.FirstOrDefault(g => g.Tag == VectorMath.Global) is not { Content.Blob.Sha256: var hash } entry)
            return;
        var chain = chains.GetValueOrDefault(state.Run);
        if (entry.Version <= chain.Version)
            return;
        // A run that goes on where one of the same definition has ended begins with its globals.
        if (chain.Version == 0 && Predecessor(state, entry, hash) is { } inherited)
        {
            chains[state.Run] = inherited;
            return;
        }
        if (!records.TryGetValue((state.Run, entry.Round, hash), out var participants))
        {
            world.Fail($"Swarm {state.Swarm} commits version {entry.Version} of the global ({hash[..8]}), which no record of round {entry.Round} has staged.");
            return;
        }
        var key = entry.Round == 0 ? "" : $"{chain.Key}/{participants}";
        var expected = Values(key);
        if (expected.Hash != hash)
            world.Fail($"Swarm {state.Swarm}: version {entry.Version} of the global is {hash[..8]} where {expected.Hash[..8]} is expected of {key}.");
        chains[state.Run] = (entry.Version, key);
        Count++;
        if (entry.Round > 0 && participants.Split(',').Length < plan.Nodes.Length)
            Partial++;
    }

    private (int Version, string Key)? Predecessor(SwarmState state, GlobalEntry entry, string hash)
    {
        for (var start = state.Start - 1; start > 0; start--)
        {
            if (chains.TryGetValue(new RunId(state.Definition, start).ToString(), out var chain))
                return chain.Version == entry.Version && Values(chain.Key).Hash == hash ? chain : null;
        }
        return null;
    }

    private static (string Hash, float[] Values) Values(string key) => Known.GetOrAdd(key, static k =>
    {
        if (k.Length == 0)
            return Hashed(VectorMath.First(Length));
        var cut = k.LastIndexOf('/');
        var before = Values(k[..cut]).Values;
        var mean = new WeightedMean();
        foreach (var node in k[(cut + 1)..].Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            using var contribution = Vector.Of(VectorMath.Trained(before, node));
            mean.Add(contribution, VectorMath.Samples(node));
        }
        using var result = mean.ToArrays();
        return Hashed(result[0].Span<float>().ToArray());
    });

    private static (string, float[]) Hashed(float[] values)
    {
        using var arrays = Vector.Of(values);
        return (Convert.ToHexStringLower(SHA256.HashData(WeightsCodec.Encode(arrays).ToArray())), values);
    }
}

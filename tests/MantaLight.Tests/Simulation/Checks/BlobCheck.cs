using System.Security.Cryptography;
using MantaLight.Protocol;

namespace MantaLight.Simulation;

/// <summary>A committed global's chunks stand on the broker when it is committed, and until it is replaced.</summary>
internal sealed class BlobCheck(World world) : ICheck
{
    private const int MaximumCleared = 100;

    private readonly Dictionary<(string Swarm, string Hash), SortedDictionary<int, byte[]>> chunks = [];
    private readonly Queue<(string Swarm, string Hash)> cleared = new();
    private readonly Dictionary<string, HashSet<string>> committed = new(StringComparer.Ordinal);
    private readonly HashSet<string> condemned = new(StringComparer.Ordinal);
    private readonly HashSet<string> removed = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> runs = new(StringComparer.Ordinal);
    private readonly HashSet<(string Swarm, string Hash)> lost = [];

    /// <summary>What some state of a swarm has named, to be kept or to be cleared, and has not been cleared since.</summary>
    public HashSet<(string Swarm, string Hash)> Named { get; } = [];

    public void Seen(Sighting sighting)
    {
        if (sighting.Levels is ["swarms", _, "blobs", var hash, var index])
            ChunkSeen(sighting, hash, int.Parse(index, System.Globalization.CultureInfo.InvariantCulture));
        else if (sighting.Message is SwarmState state)
            StateSeen(state);
        else if (sighting.Levels is ["swarms", var swarm])
            DefinitionSeen(swarm, isRemoval: sighting.Payload.Length == 0);
    }

    public void RetainedLost()
    {
        lost.UnionWith(chunks.Keys);
        lost.UnionWith(cleared);
        chunks.Clear();
    }

    // What was committed of a removed definition is condemned, and what its coordinator commits before it hears so.
    private void DefinitionSeen(string swarm, bool isRemoval)
    {
        if (!isRemoval)
        {
            removed.Remove(swarm);
            return;
        }
        removed.Add(swarm);
        if (runs.Remove(swarm, out var run))
            condemned.Add(run);
    }

    private void ChunkSeen(Sighting sighting, string hash, int index)
    {
        if (!chunks.TryGetValue((sighting.Swarm, hash), out var kept))
            chunks[(sighting.Swarm, hash)] = kept = [];
        if (sighting.Payload.Length == 0)
        {
            kept.Remove(index);
            if (kept.Count == 0)
                Cleared((sighting.Swarm, hash));
            if (runs.TryGetValue(sighting.Swarm, out var run) && !condemned.Contains(run) && committed.TryGetValue(sighting.Swarm, out var needed) && needed.Contains(hash))
                world.Fail($"{sighting.Client} clears a chunk of global {hash[..8]}, which is committed in swarm {sighting.Swarm}.");
        }
        else if (sighting.IsRetained)
        {
            kept[index] = sighting.Payload;
        }
    }

    private void Cleared((string Swarm, string Hash) blob)
    {
        chunks.Remove(blob);
        // What is put there after that, no state has named.
        Named.Remove(blob);
        cleared.Enqueue(blob);
        if (cleared.Count > MaximumCleared)
            cleared.Dequeue();
    }

    private void StateSeen(SwarmState state)
    {
        Named.UnionWith(state.Globals.Select(g => g.Content.Blob).OfType<BlobRef>().Concat(state.Retiring).Select(b => (state.Swarm, b.Sha256)).Where(b => chunks.ContainsKey(b) || lost.Contains(b)));
        // What a node puts there when all has been cleared is its own to clear again.
        if (state.Status == RunStatus.Removed)
            Named.RemoveWhere(n => n.Swarm == state.Swarm && !chunks.ContainsKey(n));
        var before = committed.GetValueOrDefault(state.Swarm, []);
        var now = state.Globals.Select(g => g.Content.Blob).OfType<BlobRef>().Where(_ => !state.Status.IsRemoval()).DistinctBy(b => b.Sha256).ToArray();
        // A commit that its broker brings only after the owner's removal: its chunks may be gone again.
        var isOver = removed.Contains(state.Swarm);
        foreach (var blob in now.Where(b => !isOver && !before.Contains(b.Sha256) && !lost.Contains((state.Swarm, b.Sha256))))
        {
            if (!Stands(state.Swarm, blob))
                world.Fail($"Swarm {state.Swarm} commits global {blob.Sha256[..8]} in round {state.Round}, but its chunks do not all stand on the broker.");
        }
        if (removed.Contains(state.Swarm))
            condemned.Add(state.Run);
        runs[state.Swarm] = state.Run;
        committed[state.Swarm] = [.. now.Select(b => b.Sha256)];
    }

    private bool Stands(string swarm, BlobRef blob)
    {
        if (!chunks.TryGetValue((swarm, blob.Sha256), out var kept) || kept.Count != blob.ChunkCount)
            return false;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var chunk in kept.Values)
            hash.AppendData(chunk);
        return Convert.ToHexStringLower(hash.GetHashAndReset()) == blob.Sha256;
    }
}

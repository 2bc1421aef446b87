using System.Collections.Immutable;
using System.Text.Json;
using MantaLight.Blobs;
using MantaLight.Diagnostics;
using MantaLight.Messaging;
using MantaLight.Protocol;
using MantaLight.Storage;
using MantaLight.Swarms;
using MantaLight.Weights;
using MantaLight.Weights.Packing;
using Microsoft.Extensions.Logging.Abstractions;

namespace MantaLight.Checkpoints;

/// <summary>Fetches globals from the broker's retained chunks and writes them out. One caller at a time.</summary>
internal sealed class CheckpointWriter : IAsyncDisposable
{
    private const int MaximumJson = 16 << 20;

    // What is gone from the broker must not keep the rounds that follow waiting for long.
    private static readonly TimeSpan GiveUp = TimeSpan.FromSeconds(10);

    private readonly string temporary = Directory.CreateTempSubdirectory("mantalight-checkpoints-").FullName;
    private readonly Dictionary<string, ImmutableArray<BlobRef>> early = new(StringComparer.Ordinal);
    private readonly CheckpointFolder folder;
    private readonly BlobStore store;
    private readonly BlobFetcher fetcher;

    public CheckpointWriter(IBrokerConnection connection, Topics topics, CheckpointOptions options, TimeProvider time)
    {
        folder = new CheckpointFolder(options);
        store = new BlobStore(new FileDisk(temporary));
        var inbox = new ChunkInbox(new Drops(NullLogger.Instance), time);
        fetcher = new BlobFetcher(connection, topics, new MessageStamp(connection.ClientId, connection.ClientId, time), store, inbox, new BlobTiming { GiveUp = GiveUp });
    }

    /// <summary>Fetches what a round has committed before it is over: rounds can be shorter than that takes.</summary>
    public async Task FetchEarlyAsync(string swarm, ImmutableArray<BlobRef> blobs, CancellationToken cancellationToken)
    {
        // Of a round that never ended.
        Forget(early.GetValueOrDefault(swarm, []).Except(blobs));
        early[swarm] = blobs;
        foreach (var blob in blobs)
            await fetcher.FetchGlobalAsync(swarm, blob, peer: null, cancellationToken);
    }

    /// <summary>Writes a round's checkpoint; returns its path.</summary>
    /// <exception cref="MantaLightException">A global is not to be had, or the file cannot be written.</exception>
    public async Task<string> WriteAsync(SwarmState state, KnownDefinition definition, int round, CancellationToken cancellationToken)
    {
        var weights = ImmutableSortedDictionary.CreateBuilder<string, NamedArrays>(StringComparer.Ordinal);
        var values = ImmutableSortedDictionary.CreateBuilder<string, JsonElement>(StringComparer.Ordinal);
        try
        {
            foreach (var global in state.Globals)
            {
                if (global.Content.Blob is not { } blob)
                    values[global.Tag] = global.Content.Value!.Value;
                else if (await MapAsync(state.Swarm, blob, cancellationToken) is var mapped && blob.HoldsWeights)
                    weights[global.Tag] = Decode(mapped, blob);
                else
                    values[global.Tag] = Parse(mapped);
            }
            var path = folder.PathOf(state.Swarm, round);
            await Checkpoint.WriteAsync(path, Info(state, definition, round, values.ToImmutable(), weights.ToImmutable()), weights.ToImmutable(), cancellationToken);
            folder.Prune(state.Swarm, path);
            return path;
        }
        finally
        {
            foreach (var read in weights.Values)
                read.Dispose();
            Forget(state.Globals.Select(g => g.Content.Blob).OfType<BlobRef>());
        }
    }

    public async ValueTask DisposeAsync()
    {
        await fetcher.DisposeAsync();
        if (Directory.Exists(temporary))
            Directory.Delete(temporary, recursive: true);
    }

    private void Forget(IEnumerable<BlobRef> blobs)
    {
        foreach (var blob in blobs)
            store.Delete(blob.Sha256);
    }

    private async Task<DiskMemory> MapAsync(string swarm, BlobRef blob, CancellationToken cancellationToken)
    {
        await fetcher.FetchGlobalAsync(swarm, blob, peer: null, cancellationToken);
        return store.Map(blob);
    }

    private static NamedArrays Decode(DiskMemory mapped, BlobRef blob)
    {
        try
        {
            var arrays = WeightsCodec.Decode(mapped.Content, mapped);
            if (blob.Format == ValueFormat.Weights)
                return arrays;
            using (arrays)
                return Unpacker.Unpack(arrays, null);
        }
        catch
        {
            mapped.Dispose();
            throw;
        }
    }

    private static JsonElement Parse(DiskMemory mapped)
    {
        using (mapped)
        {
            if (mapped.Content.Length > MaximumJson)
                throw new MalformedDataException($"a JSON value has {mapped.Content.Length} bytes where at most {MaximumJson} are read");
            using var document = JsonDocument.Parse(mapped.Content, new JsonDocumentOptions { MaxDepth = SwarmJson.MaximumDepth });
            return document.RootElement.Clone();
        }
    }

    /// <summary>What a checkpoint tells beside its weights.</summary>
    public static CheckpointInfo Info(SwarmState state, KnownDefinition definition, int round, ImmutableSortedDictionary<string, JsonElement> values, ImmutableSortedDictionary<string, NamedArrays> weights) => new()
    {
        Swarm = state.Swarm,
        Name = definition.Name,
        Module = definition.Module,
        Run = state.Run,
        Definition = state.Definition,
        Seed = definition.Seed,
        Round = round,
        FromAlias = state.FromAlias,
        FromNodes = state.FromNodes,
        FromMaximum = state.FromMaximum,
        Values = values,
        Weights = state.Globals.Where(g => g.Content.Blob is { HoldsWeights: true })
            .ToImmutableSortedDictionary(
                // Of what the file holds, which is not what travelled where that was packed.
                g => g.Tag, g => g.Content.Blob is { Format: ValueFormat.Weights } blob ? blob.Sha256 : WeightsHash.Of(weights[g.Tag]), StringComparer.Ordinal),
    };
}

/// <summary>What a checkpoint tells of a definition; the definition itself can be large.</summary>
internal sealed record KnownDefinition(string Hash, string Name, string Module, ulong Seed);

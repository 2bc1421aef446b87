using System.Buffers;
using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Text.Json;
using System.Threading.Channels;
using MantaLight.Blobs;
using MantaLight.Concurrency;
using MantaLight.Messaging;
using MantaLight.Protocol;
using MantaLight.Storage;
using MantaLight.Swarms;
using MantaLight.Weights;

namespace MantaLight.Checkpoints;

/// <summary>
/// Writes checkpoints of swarms as any watcher could: it reads their states and definitions and fetches the globals from
/// the broker's retained chunks. What cannot be written is told and left out; nothing that arrives can end it.
/// </summary>
public sealed class CheckpointKeeper : IAsyncDisposable
{
    // A round's chunks stay until the round after the next begins: whoever is that far behind has lost them anyway.
    private const int Capacity = 64;
    private const int MaximumDefinitions = 1000;
    private const int MaximumJson = 16 << 20;

    private static readonly TimeSpan LastPatience = TimeSpan.FromSeconds(5);

    private readonly Channel<(SwarmState State, int Round)> due =
        Channel.CreateBounded<(SwarmState, int)>(new BoundedChannelOptions(Capacity) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true });

    private readonly ConcurrentDictionary<string, Known> definitions = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, (string Run, int Round)> seen = new(StringComparer.Ordinal);
    private readonly List<IAsyncDisposable> subscriptions = [];
    private readonly CancellationTokenSource stopping = new();
    private readonly string temporary = Directory.CreateTempSubdirectory("mantalight-checkpoints-").FullName;
    private readonly Topics topics;
    private readonly CheckpointOptions options;
    private readonly CheckpointFolder folder;
    private readonly Action<CheckpointNews> tell;
    private readonly TimeProvider time;
    private readonly BlobStore store;
    private readonly BlobFetcher fetcher;
    private Task writing = Task.CompletedTask;

    private CheckpointKeeper(IBrokerConnection connection, Topics topics, CheckpointOptions options, Action<CheckpointNews> tell, TimeProvider time)
    {
        (this.topics, this.options, this.tell, this.time) = (topics, options, tell, time);
        folder = new CheckpointFolder(options);
        store = new BlobStore(new FileDisk(temporary));
        fetcher = new BlobFetcher(connection, topics, new MessageStamp(connection.ClientId, connection.ClientId, time), store, new ChunkInbox(), new BlobTiming());
    }

    /// <summary>Begins to keep checkpoints of one swarm, or of all swarms of the cluster.</summary>
    /// <param name="connection">Any connection to the broker; it must outlive the keeper.</param>
    /// <param name="cluster">The cluster.</param>
    /// <param name="swarm">The swarm; null for all.</param>
    /// <param name="options">Where they go.</param>
    /// <param name="tell">Told of what was written, and of what could not be; it must not throw.</param>
    /// <param name="time">The clock of its waits.</param>
    /// <param name="cancellationToken">Stops the start, not the keeper.</param>
    /// <exception cref="InvalidSettingException">The options cannot be.</exception>
    /// <exception cref="CheckpointException">The folder cannot be written to.</exception>
    public static async Task<CheckpointKeeper> StartAsync(
        IBrokerConnection connection, string cluster, string? swarm, CheckpointOptions options, Action<CheckpointNews> tell, TimeProvider time, CancellationToken cancellationToken)
    {
        RequireSound(options);
        var keeper = new CheckpointKeeper(connection, new Topics(cluster), options, tell, time);
        try
        {
            keeper.subscriptions.Add(await connection.SubscribeAsync(keeper.topics.Definition(swarm ?? "+"), keeper.DefinitionSeen, cancellationToken));
            keeper.subscriptions.Add(await connection.SubscribeAsync(keeper.topics.State(swarm ?? "+"), keeper.StateSeen, cancellationToken));
            keeper.writing = keeper.WriteAsync();
            return keeper;
        }
        catch
        {
            await keeper.DisposeAsync();
            throw;
        }
    }

    /// <summary>Stops; what is due is written first, if that does not take long.</summary>
    public async ValueTask DisposeAsync()
    {
        due.Writer.TryComplete();
        await writing.EndsWithinAsync(LastPatience, time);
        await stopping.CancelBesideAsync();
        await fetcher.DisposeAsync();
        await writing;
        foreach (var subscription in subscriptions)
            await subscription.DisposeAsync();
        subscriptions.Clear();
        if (Directory.Exists(temporary))
            Directory.Delete(temporary, recursive: true);
        stopping.Dispose();
    }

    private static void RequireSound(CheckpointOptions options)
    {
        if (options.Every < 1 || options.Keep < 1)
            throw new InvalidSettingException("Checkpoints are written every 1 or more rounds, and 1 or more are kept.");
        try
        {
            var probe = Path.Combine(Directory.CreateDirectory(options.Folder).FullName, Path.GetRandomFileName());
            File.Create(probe, 1, FileOptions.DeleteOnClose).Dispose();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException($"The folder for checkpoints {options.Folder} cannot be written to: {e.Message}", e);
        }
    }

    private void DefinitionSeen(BrokerMessage message)
    {
        if (message.Payload.IsEmpty || topics.Split(message.Topic) is not ["swarms", var swarm] || definitions.Count >= MaximumDefinitions && !definitions.ContainsKey(swarm))
            return;
        try
        {
            var definition = SwarmJson.Parse(message.Payload.ToArray());
            definitions[swarm] = new Known(SwarmJson.HashOf(definition), definition.Name, definition.Module, definition.Seed);
        }
        catch (InvalidSwarmException)
        {
            // No node runs it either.
        }
    }

    private void StateSeen(BrokerMessage message)
    {
        if (message.Payload.IsEmpty || topics.Split(message.Topic) is not ["swarms", var swarm, "state"]
            || ProtocolJson.Read<SwarmState>(message.Payload, out _) is not { } state || state.Swarm != swarm
            || CheckpointDue.Round(state, options.Every) is not { } round || !state.Globals.All(g => Identifier.IsValid(g.Tag) && g.Content.IsSound()))
        {
            return;
        }
        // A round has many states; the first one in question is enough.
        if (seen.TryGetValue(swarm, out var last) && last == (state.Run, round) || seen.Count >= MaximumDefinitions && !seen.ContainsKey(swarm))
            return;
        seen[swarm] = (state.Run, round);
        due.Writer.TryWrite((state, round));
    }

    private async Task WriteAsync()
    {
        await foreach (var (state, round) in due.Reader.EachAsync(CancellationToken.None))
        {
            try
            {
                await WriteAsync(state, round, stopping.Token);
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                tell(new CheckpointNews(state.Swarm, round, null, e is MantaLightException ? e.Message : e.ToString()));
            }
        }
    }

    private async Task WriteAsync(SwarmState state, int round, CancellationToken cancellationToken)
    {
        if (!definitions.TryGetValue(state.Swarm, out var definition) || definition.Hash != state.Definition)
            throw new CheckpointException("its definition is not on the broker any more, or another one is");
        var weights = ImmutableSortedDictionary.CreateBuilder<string, NamedArrays>(StringComparer.Ordinal);
        var values = ImmutableSortedDictionary.CreateBuilder<string, JsonElement>(StringComparer.Ordinal);
        try
        {
            foreach (var global in state.Globals)
            {
                if (global.Content.Blob is not { } blob)
                    values[global.Tag] = global.Content.Value!.Value;
                else if (await MapAsync(state.Swarm, blob, cancellationToken) is var mapped && blob.Format == ValueFormat.Weights)
                    weights[global.Tag] = Decode(mapped);
                else
                    values[global.Tag] = Parse(mapped);
            }
            var path = folder.PathOf(state.Swarm, round);
            await Checkpoint.WriteAsync(path, Info(state, definition, round, values.ToImmutable()), weights.ToImmutable(), cancellationToken);
            tell(new CheckpointNews(state.Swarm, round, path, null));
            folder.Prune(state.Swarm, path);
        }
        finally
        {
            foreach (var read in weights.Values)
                read.Dispose();
            foreach (var blob in state.Globals.Select(g => g.Content.Blob).OfType<BlobRef>())
                store.Delete(blob.Sha256);
        }
    }

    private async Task<DiskMemory> MapAsync(string swarm, BlobRef blob, CancellationToken cancellationToken)
    {
        await fetcher.FetchGlobalAsync(swarm, blob, peer: null, cancellationToken);
        return store.Map(blob);
    }

    private static NamedArrays Decode(DiskMemory mapped)
    {
        try
        {
            return WeightsCodec.Decode(mapped.Content, mapped);
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

    private static CheckpointInfo Info(SwarmState state, Known definition, int round, ImmutableSortedDictionary<string, JsonElement> values) => new()
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
        Values = values,
        Weights = state.Globals.Where(g => g.Content.Blob is { Format: ValueFormat.Weights })
            .ToImmutableSortedDictionary(g => g.Tag, g => g.Content.Blob!.Sha256, StringComparer.Ordinal),
    };

    /// <summary>What a checkpoint tells of a definition; the definition itself can be large.</summary>
    private sealed record Known(string Hash, string Name, string Module, ulong Seed);
}

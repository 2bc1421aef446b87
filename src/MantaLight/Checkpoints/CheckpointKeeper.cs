using System.Buffers;
using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Threading.Channels;
using MantaLight.Concurrency;
using MantaLight.Diagnostics;
using MantaLight.Messaging;
using MantaLight.Protocol;
using MantaLight.Swarms;

namespace MantaLight.Checkpoints;

/// <summary>
/// Writes checkpoints of swarms as any watcher could: it reads their states and definitions and fetches the globals from
/// the broker's retained chunks. What cannot be written is told and left out; nothing that arrives can end it.
/// </summary>
public sealed class CheckpointKeeper : IAsyncDisposable
{
    // A round's chunks stay until the round after the next begins: whoever is that far behind has lost them anyway.
    private const int Capacity = 64;
    private const int MaximumSwarms = 1000;

    private static readonly TimeSpan LastPatience = TimeSpan.FromSeconds(5);

    private readonly Channel<Work> due;
    private readonly ConcurrentDictionary<string, KnownDefinition> definitions = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Seen> seen = new(StringComparer.Ordinal);
    private readonly List<IAsyncDisposable> subscriptions = [];
    private readonly CancellationTokenSource stopping = new();
    private readonly Topics topics;
    private readonly CheckpointOptions options;
    private readonly Action<CheckpointNews> tell;
    private readonly TimeProvider time;
    private readonly CheckpointWriter writer;
    private bool toldOfSwarms;
    private Task working = Task.CompletedTask;

    private CheckpointKeeper(IBrokerConnection connection, Topics topics, CheckpointOptions options, Action<CheckpointNews> tell, TimeProvider time)
    {
        (this.topics, this.options, this.tell, this.time) = (topics, options, tell, time);
        due = Channel.CreateBounded<Work>(new BoundedChannelOptions(Capacity) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true }, Dropped);
        writer = new CheckpointWriter(connection, topics, options, time);
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
            keeper.working = keeper.WorkAsync();
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
        await working.EndsWithinAsync(LastPatience, time);
        await stopping.CancelBesideAsync();
        await working;
        await writer.DisposeAsync();
        foreach (var subscription in subscriptions)
            await subscription.DisposeAsync();
        subscriptions.Clear();
        stopping.Dispose();
    }

    /// <summary>Refuses what cannot be.</summary>
    internal static void RequireSound(CheckpointOptions options)
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

    private void Dropped(Work work)
    {
        Telemetry.Drop("checkpoints full");
        // What could not be fetched early is fetched when it is due.
        if (work.Round is { } round)
            tell(new CheckpointNews(work.State.Swarm, round, null, $"more than {Capacity} rounds wait to be written"));
    }

    /// <summary>Whether a swarm is one of those that are watched, or may become one.</summary>
    private static bool IsWithin<T>(ConcurrentDictionary<string, T> known, string swarm)
    {
        if (known.Count < MaximumSwarms || known.ContainsKey(swarm))
            return true;
        Telemetry.Drop("swarms full");
        return false;
    }

    private void DefinitionSeen(BrokerMessage message)
    {
        if (message.Payload.IsEmpty || topics.Split(message.Topic) is not ["swarms", var swarm] || !IsWithin(definitions, swarm))
            return;
        try
        {
            var definition = SwarmJson.Parse(message.Payload.ToArray());
            definitions[swarm] = new KnownDefinition(SwarmJson.HashOf(definition), definition.Name, definition.Module, definition.Seed);
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
            || !state.Globals.All(g => Identifier.IsValid(g.Tag) && g.Content.IsSound()))
        {
            return;
        }
        if (!IsWithin(seen, swarm))
        {
            if (!toldOfSwarms)
                tell(new CheckpointNews(swarm, state.Round, null, $"more than {MaximumSwarms} swarms are watched"));
            toldOfSwarms = true;
            return;
        }
        // A round has many states; the first one in question, and of those before it each that has committed more, is enough.
        var last = seen.GetValueOrDefault(swarm);
        if (last is null || last.Run != state.Run)
            last = new Seen(state.Run, Round: 0, Early: []);
        if (CheckpointDue.Round(state, options.Every) is { } round)
        {
            if (round != last.Round)
                due.Writer.TryWrite(new Work(state, round, []));
            seen[swarm] = last with { Round = round };
        }
        else if (CheckpointDue.Early(state, options.Every) is { IsEmpty: false } early)
        {
            // Rounds that are due go first: they fetch for themselves what was not fetched early.
            if (!early.SequenceEqual(last.Early) && due.Reader.Count < Capacity / 2 && due.Writer.TryWrite(new Work(state, null, early)))
                seen[swarm] = last with { Early = early };
        }
    }

    private async Task WorkAsync()
    {
        await foreach (var work in due.Reader.EachAsync(CancellationToken.None))
        {
            try
            {
                if (work.Round is { } round)
                    await WriteAsync(work.State, round, stopping.Token);
                else
                    await writer.FetchEarlyAsync(work.State.Swarm, work.Early, stopping.Token);
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                // What could not be fetched early is tried again, and told, when it is due.
                if (work.Round is { } missing)
                    tell(new CheckpointNews(work.State.Swarm, missing, null, e is MantaLightException ? e.Message : e.ToString()));
            }
        }
    }

    private async Task WriteAsync(SwarmState state, int round, CancellationToken cancellationToken)
    {
        if (!definitions.TryGetValue(state.Swarm, out var definition) || definition.Hash != state.Definition)
            throw new CheckpointException("its definition is not on the broker any more, or another one is");
        tell(new CheckpointNews(state.Swarm, round, await writer.WriteAsync(state, definition, round, cancellationToken), null));
    }

    /// <summary>What of a swarm has been seen: its run, the last round that was due, and what was asked for of a round under way.</summary>
    private sealed record Seen(string Run, int Round, ImmutableArray<BlobRef> Early);

    /// <summary>A round to write, or blobs to fetch.</summary>
    private sealed record Work(SwarmState State, int? Round, ImmutableArray<BlobRef> Early);
}

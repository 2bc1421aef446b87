using System.Buffers;
using System.Collections.Concurrent;
using System.Text;
using System.Threading.Channels;
using MantaLight.Checkpoints;
using MantaLight.Messaging;
using MantaLight.Protocol;
using MantaLight.Shared;
using MantaLight.Swarms;

namespace MantaLight.Tests.Checkpoints;

/// <summary>What a round has committed is fetched before the round is over: by then the broker may not have it any more.</summary>
public sealed class EarlyFetchTests : IDisposable
{
    private const string Swarm = "vectors";

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("mantalight-early-");
    private readonly Topics topics = new("c");
    private readonly SimulatedBroker broker = new();
    private readonly MessageStamp stamp = new("coordinator", "first", TimeProvider.System);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public async Task Each_that_a_round_commits_is_fetched_also_in_place_of_another_or_beside_it()
    {
        var definition = Encoding.UTF8.GetBytes(SwarmHarness.Definition());
        await using var producer = await Peer.StartAsync("producer", broker, topics, folder.FullName);
        await using var watcher = new EndedSubscriptions(await broker.ConnectAsync(new ConnectionProfile { ClientId = "watcher" }, Stop));
        await producer.Connection.PublishAsync(new OutboundMessage(topics.Definition(Swarm), definition, retain: true), Stop);
        var news = new ConcurrentQueue<CheckpointNews>();
        await using var keeper = await CheckpointKeeper.StartAsync(
            watcher, "c", null, new CheckpointOptions { Folder = Path.Combine(folder.FullName, "kept") }, news.Enqueue, TimeProvider.System, Stop);
        var state = new SwarmState
        {
            Swarm = Swarm, Run = "r", Definition = SwarmJson.HashOf(SwarmJson.Parse(definition)), Status = RunStatus.Running, Round = 1, MaximumRounds = 3,
        };

        var (first, second, beside) = (await PutAsync("[1]"), await PutAsync("[2]"), await PutAsync("[3]"));
        foreach (var (globals, added) in new[] { ((BlobRef[])[first], first), ([second], second), ([second, beside], beside) })
        {
            state = state with { Globals = [.. globals.Select((blob, i) => new GlobalEntry { Tag = $"g{i}", Round = 1, Content = new ValueRef { Blob = blob } })] };
            await PublishAsync(state);
            await watcher.EndOfAsync($"{topics.SwarmBlobs(Swarm, added.Sha256)}/+");
        }
        foreach (var blob in (BlobRef[])[first, second, beside])
            await producer.Connection.PublishAsync(new OutboundMessage(topics.SwarmBlob(Swarm, blob.Sha256, 0), ReadOnlyMemory<byte>.Empty, retain: true), Stop);
        await PublishAsync(state with { Round = 2, History = [new RoundSummary { Round = 1 }] });
        await SwarmHarness.EventuallyAsync(() => !news.IsEmpty);
        Assert.Null(Assert.Single(news).Problem);

        async Task<BlobRef> PutAsync(string json)
        {
            var blob = producer.Store.Write(new ReadOnlySequence<byte>(Encoding.UTF8.GetBytes(json)), Peer.ChunkSize, ValueFormat.Json);
            await producer.Publisher.PublishGlobalAsync(Swarm, blob, Stop);
            return blob;
        }

        async Task PublishAsync(SwarmState next) =>
            await producer.Connection.PublishAsync(new OutboundMessage(topics.State(Swarm), ProtocolJson.Write(stamp.Stamp(next)), retain: true), Stop);
    }

    /// <summary>Tells which subscriptions are over.</summary>
    private sealed class EndedSubscriptions(IBrokerConnection connection) : PassingConnection(connection)
    {
        private readonly Channel<string> ended = Channel.CreateUnbounded<string>();

        public async Task EndOfAsync(string filter)
        {
            while (await ended.Reader.ReadAsync(Stop).AsTask().WaitAsync(SwarmHarness.Patience) != filter)
                continue;
        }

        public override async Task<IAsyncDisposable> SubscribeAsync(string filter, Action<BrokerMessage> handler, CancellationToken cancellationToken)
        {
            var group = new SubscriptionGroup();
            group.Add(await base.SubscribeAsync(filter, handler, cancellationToken));
            group.Add(new Note(() => ended.Writer.TryWrite(filter)));
            return group;
        }

        private sealed class Note(Action write) : IAsyncDisposable
        {
            public ValueTask DisposeAsync()
            {
                write();
                return ValueTask.CompletedTask;
            }
        }
    }
}

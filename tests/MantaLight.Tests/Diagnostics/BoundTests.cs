using System.Buffers;
using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using MantaLight.Blobs;
using MantaLight.Checkpoints;
using MantaLight.Diagnostics;
using MantaLight.Messaging;
using MantaLight.Nodes;
using MantaLight.Protocol;
using MantaLight.Shared;
using MantaLight.Storage;
using MantaLight.Swarms;
using MantaLight.Tasks;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace MantaLight.Tests.Diagnostics;

/// <summary>Every queue has a bound: what is beyond it is dropped and counted each time, and logged once.</summary>
public sealed class BoundTests : IDisposable
{
    private const int Beyond = 3;

    private static readonly BlobRef Blob = BlobOf(0);

    private readonly DropCounts counts = new();
    private readonly LogBook log = new();
    private readonly StuckConnection connection = new();
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("mantalight-bounds-");
    private readonly Topics topics = new("c");
    private readonly MessageStamp stamp = new("node_0", "1", TimeProvider.System);
    private readonly ILogger logger;
    private readonly Drops drops;
    private readonly BlobStore store;

    public BoundTests()
    {
        logger = log.CreateLogger("");
        drops = new Drops(logger);
        store = new BlobStore(new FileDisk(folder.FullName));
    }

    public void Dispose()
    {
        counts.Dispose();
        log.Dispose();
        folder.Delete(recursive: true);
    }

    [Fact]
    public async Task Publishes_of_a_node()
    {
        await using var outbox = new Outbox(connection, stamp, logger, drops);
        await FillAsync(4096, () => outbox.Send("t", new AreYouThere()), "outbox full");
    }

    [Fact]
    public async Task Requests_for_chunks()
    {
        await using var server = new BlobServer(new BlobPublisher(connection, topics, stamp, store, new BlobTiming()), logger, drops, TimeProvider.System);
        var request = stamp.Stamp(new BlobRequest { Hash = Blob.Sha256, ChunkSize = 1024, Chunks = [0] });
        await FillAsync(256, () => server.Ask(request), "chunk requests full");
    }

    [Fact]
    public async Task Globals_to_be_cleared()
    {
        await using var clearer = new BlobClearer(connection, topics, logger, drops, TimeProvider.System);
        await FillAsync(1024, () => clearer.Clear("s", Blob), "clearings full");
    }

    [Fact]
    public async Task Globals_to_be_put_back()
    {
        await using var fetcher = new BlobFetcher(connection, topics, stamp, store, new ChunkInbox(drops, TimeProvider.System), new BlobTiming());
        var settings = new NodeSettings { Id = "node_0", Datasets = null!, Modules = ImmutableSortedDictionary<string, TaskCatalog>.Empty, StateFolder = folder.FullName };
        var context = new SeatContext(
            new SimulatedBroker(), settings, stamp, new TrafficCounter(), store, fetcher, logger, drops, TimeProvider.System, _ => { }, (_, _) => true, _ => { });
        await using var repair = new GlobalRepair(context, connection, "s", () => [], _ => true, _ => { }, (_, _) => { });
        await FillAsync(4096, () => repair.Keep(Blob), "repairs full");
    }

    [Theory]
    [InlineData(1024, 512)]
    [InlineData(256 << 10, 256)]
    [InlineData(BlobRef.MaximumChunkSize, 16)]
    public void Chunks_of_a_transfer_by_their_number_and_by_their_bytes(int chunkSize, int expected)
    {
        var inbox = new ChunkInbox(drops, TimeProvider.System);
        using var waiting = inbox.Open(Blob with { ChunkSize = chunkSize }, "producer");
        for (var i = 0; i < expected; i++)
            inbox.Deliver(Blob.Sha256, i, new ReadOnlySequence<byte>(new byte[8]));
        Assert.Equal(0, counts.Of("chunks full"));
        for (var i = 0; i < Beyond; i++)
            inbox.Deliver(Blob.Sha256, 0, new ReadOnlySequence<byte>(new byte[8]));
        AssertDropped("chunks full");
        Assert.Equal(expected, waiting.Chunks.Count);
    }

    [Fact]
    public void Chunks_that_cannot_be_the_blobs_or_that_nobody_waits_for_are_counted_and_take_no_place()
    {
        var inbox = new ChunkInbox(drops, TimeProvider.System);
        using (var waiting = inbox.Open(Blob, "producer"))
        {
            inbox.Deliver(Blob.Sha256, 0, new ReadOnlySequence<byte>(new byte[Blob.ChunkSize + 1]));
            inbox.Deliver(Blob.Sha256, -1, new ReadOnlySequence<byte>(new byte[8]));
            Assert.Equal(0, waiting.Chunks.Count);
        }
        inbox.Deliver(Blob.Sha256, 0, new ReadOnlySequence<byte>(new byte[8]));
        Assert.Equal((2, 1), (counts.Of("malformed"), counts.Of("duplicate or late")));
        Assert.Empty(log.Lines);
    }

    [Fact]
    public async Task Rounds_of_which_a_checkpoint_is_due_are_told_each()
    {
        var time = new FakeTimeProvider();
        var news = new List<CheckpointNews>();
        var watched = new StuckConnection(answered: 2);
        var keeper = await CheckpointKeeper.StartAsync(watched, "c", null, new CheckpointOptions { Folder = folder.FullName }, news.Add, time, TestContext.Current.CancellationToken);
        var definition = Encoding.UTF8.GetBytes(SwarmHarness.Definition());
        watched.Deliver(topics.Definition("+"), new BrokerMessage(topics.Definition("s"), new ReadOnlySequence<byte>(definition), Retained: true));
        var hash = SwarmJson.HashOf(SwarmJson.Parse(definition));
        Finish(1);
        await watched.Stuck;
        for (var round = 2; round <= 65 + Beyond; round++)
            Finish(round);
        Assert.Equal(Beyond, counts.Of("checkpoints full"));
        Assert.Equal([2, 3, 4], news.Select(n => n.Round));
        Assert.All(news, n => Assert.Contains("more than 64 rounds wait", n.Problem, StringComparison.Ordinal));
        var disposing = keeper.DisposeAsync();
        time.Advance(TimeSpan.FromSeconds(5));
        await disposing;

        void Finish(int round) => watched.Deliver(topics.State("+"), new BrokerMessage(topics.State("s"), new ReadOnlySequence<byte>(ProtocolJson.Write(stamp.Stamp(new SwarmState
        {
            Swarm = "s", Run = "r", Definition = hash, Status = RunStatus.Running, Round = round + 1, History = [new RoundSummary { Round = round }],
            Globals = [new GlobalEntry { Tag = "g", Round = round, Content = new ValueRef { Blob = BlobOf(round) } }],
        }))), Retained: false));
    }

    [Fact]
    public void Nodes_of_a_cluster_of_which_those_that_have_gone_make_room()
    {
        var table = new MemberTable("node_0", drops, capacity: 2);
        Assert.True(table.See(Presence("node_1", NodeStatus.Online)));
        Assert.True(table.See(Presence("node_2", NodeStatus.Online)));
        for (var i = 0; i < Beyond; i++)
            Assert.False(table.See(Presence("node_3", NodeStatus.Online)));
        AssertDropped("members full");
        Assert.Equal(["node_0", "node_1", "node_2"], table.Candidates);
        Assert.True(table.See(Presence("node_1", NodeStatus.Offline)));
        Assert.True(table.See(Presence("node_3", NodeStatus.Online)));
        Assert.Equal(["node_2", "node_3"], table.All.Select(m => m.From));
        Assert.Equal(["node_0", "node_2", "node_3"], table.Candidates);

        static Presence Presence(string node, NodeStatus status) => new() { From = node, Status = status };
    }

    private async Task FillAsync(int capacity, Action add, string reason)
    {
        // The first one is under way and waits for an answer.
        add();
        await connection.Stuck;
        for (var i = 0; i < capacity; i++)
            add();
        Assert.Equal(0, counts.Of(reason));
        for (var i = 0; i < Beyond; i++)
            add();
        AssertDropped(reason);
    }

    private void AssertDropped(string reason)
    {
        Assert.Equal(Beyond, counts.Of(reason));
        Assert.StartsWith("Warning: ", Assert.Single(log.Lines, line => line.Contains($"'{reason}'", StringComparison.Ordinal)), StringComparison.Ordinal);
    }

    private static BlobRef BlobOf(int number) => new()
    {
        Sha256 = number.ToString("x64", CultureInfo.InvariantCulture), Size = 1024, ChunkSize = 1024, ChunkCount = 1, Format = ValueFormat.Weights,
    };

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);
}

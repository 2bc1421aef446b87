using System.Buffers;
using System.Security.Cryptography;
using System.Globalization;
using MantaLight.Blobs;
using MantaLight.Diagnostics;
using MantaLight.Messaging;
using MantaLight.Nodes;
using MantaLight.Protocol;
using Microsoft.Extensions.Logging.Abstractions;

namespace MantaLight.Simulation;

/// <summary>Who takes chunks a hundred times slower than the others gets them all the same, and costs nobody else time.</summary>
public sealed class SlowLineTests
{
    private const int ChunkSize = 256 * 1024;
    private const int Fast = 8;

    [Fact]
    public void A_slow_consumer_of_results_does_not_slow_the_others()
    {
        var alone = new Scene(Fast);
        Assert.True(alone.Run(60));
        var together = new Scene(Fast + 1, slow: 1, secondsPerChunk: 0.8);
        Assert.True(together.Run(600));
        var (fastest, slowest) = (alone.Took.Max(), together.Took.Take(Fast).Max());
        TestContext.Current.TestOutputHelper?.WriteLine($"{Fast} alone {fastest.TotalSeconds:0.000} s, beside a slow one {slowest.TotalSeconds:0.000} s, itself {together.Took[Fast].TotalSeconds:0.0} s, {together.Chunks} chunks sent, most waiting {together.MostWaiting}");
        Assert.True(together.Took[Fast] > 100 * fastest);
        Assert.InRange(slowest / fastest, 0, 1.2);
    }

    [Theory]
    [InlineData(0.5)]
    [InlineData(2)]
    [InlineData(4)]
    public void A_slow_consumer_is_not_sent_the_same_chunks_over_and_over(double secondsPerChunk)
    {
        var scene = new Scene(1, slow: 1, secondsPerChunk);
        Assert.True(scene.Run(2000), $"{scene.Chunks} chunks sent");
        TestContext.Current.TestOutputHelper?.WriteLine($"{scene.Took[0].TotalSeconds:0.0} s, {scene.Chunks} chunks sent for {Scene.Count}, most waiting {scene.MostWaiting}");
        Assert.InRange(scene.Chunks, Scene.Count, Scene.Count + BlobRequest.Window);
        Assert.InRange(scene.MostWaiting, 1, 2 * BlobRequest.Window);
    }

    [Theory]
    [InlineData(0.5)]
    [InlineData(2)]
    [InlineData(4)]
    public void A_global_comes_over_a_slow_line_as_well(double secondsPerChunk)
    {
        var scene = new Scene(1, slow: 1, secondsPerChunk, isGlobal: true);
        Assert.True(scene.Run(2000), $"{scene.Delivered} chunks delivered");
        TestContext.Current.TestOutputHelper?.WriteLine($"{scene.Took[0].TotalSeconds:0.0} s, {scene.Delivered} chunks delivered for {Scene.Count}");
        Assert.InRange(scene.Delivered, Scene.Count, Scene.Count + (BlobRequest.Window / 2));
    }

    /// <summary>One producer and some consumers, in virtual time.</summary>
    private sealed class Scene : IWireObserver
    {
        public const int Count = 64;

        private readonly World world = new(1);
        private readonly FaultyBroker broker;
        private readonly Topics topics = new("sim");
        private readonly List<IAsyncDisposable> kept = [];
        private int done;

        public Scene(int consumers, int slow = 0, double secondsPerChunk = 0.5, bool isGlobal = false)
        {
            broker = new FaultyBroker(world, CrowdScene.Ordinary with { SlowLink = (int)(ChunkSize / secondsPerChunk) }, Draw.For(1, "broker"), this);
            Took = new TimeSpan[consumers];
            var bytes = new byte[(Count * ChunkSize) - 5];
            new Random(1).NextBytes(bytes);
            var producer = new Peer(this, "producer", isSlow: false);
            producer.Start(async peer =>
            {
                var blob = Keep(peer.Store, bytes);
                if (isGlobal)
                    await peer.Publisher.PublishGlobalAsync("s", blob, CancellationToken.None);
                for (var i = 0; i < consumers; i++)
                    Consume(i, blob, isSlow: i >= consumers - slow, isGlobal);
            });
        }

        /// <summary>Puts a blob into a store as one that is fetched comes there: by itself it hashes and writes what is so large on two threads, and this world has one.</summary>
        private static BlobRef Keep(BlobStore store, byte[] bytes)
        {
            var blob = new BlobRef { Sha256 = Convert.ToHexStringLower(SHA256.HashData(bytes)), Size = bytes.Length, ChunkSize = ChunkSize, ChunkCount = Count, Format = ValueFormat.Weights };
            using var partial = store.Begin(blob);
            for (var i = 0; i < Count; i++)
                partial.Add(new Arrival(i, new ReadOnlySequence<byte>(bytes, i * ChunkSize, blob.LengthOf(i))));
            partial.Complete();
            return blob;
        }

        public TimeSpan[] Took { get; }

        public int Chunks { get; private set; }

        public int Delivered { get; private set; }

        public int MostWaiting { get; private set; }

        public bool Run(double seconds)
        {
            var isDone = world.Run(() => done == Took.Length, TimeSpan.FromSeconds(seconds));
            Assert.Null(world.Failure);
            return isDone;
        }

        public void Published(string client, string topic, byte[] payload, bool retain, bool late)
        {
            if (topics.Split(topic) is ["nodes", _, "blobs", _, _])
                Chunks++;
        }

        public void Waits(string client, string topic, int before, bool isDropped)
        {
            MostWaiting = Math.Max(MostWaiting, before + 1);
            if (client.StartsWith("consumer", StringComparison.Ordinal) && topic.Contains("/blobs/", StringComparison.Ordinal))
                Delivered++;
        }

        public void RetainedLost()
        {
        }

        private void Consume(int number, BlobRef blob, bool isSlow, bool isGlobal) =>
            new Peer(this, string.Create(CultureInfo.InvariantCulture, $"consumer_{number}"), isSlow).Start(async peer =>
            {
                var began = world.Now;
                if (isGlobal)
                    await peer.Fetcher.FetchGlobalAsync("s", blob, peer: null, CancellationToken.None);
                else
                    await peer.Fetcher.FetchResultAsync("producer", blob, CancellationToken.None);
                Took[number] = world.Now - began;
                done++;
            });

        /// <summary>A node's blob side alone.</summary>
        private sealed class Peer
        {
            private readonly Scene scene;
            private readonly string id;
            private readonly SimulatedProcess process;
            private readonly Network network;

            public Peer(Scene scene, string id, bool isSlow)
            {
                (this.scene, this.id) = (scene, id);
                process = new SimulatedProcess(scene.world, id, TimeSpan.Zero);
                network = new Network(process) { IsSlow = isSlow };
                Store = new BlobStore(new SimulatedDisk(scene.world, Draw.For(1, id)).Mount(process));
            }

            public BlobStore Store { get; }

            public BlobPublisher Publisher { get; private set; } = null!;

            public BlobFetcher Fetcher { get; private set; } = null!;

            public void Start(Func<Peer, Task> act) => process.Start(() => RunAsync(act), problem =>
            {
                if (problem is not null)
                    scene.world.Fail($"{id} failed: {problem}");
            });

            private async Task RunAsync(Func<Peer, Task> act)
            {
                var topics = scene.topics;
                var connection = await scene.broker.For(network).ConnectAsync(new ConnectionProfile { ClientId = id }, CancellationToken.None);
                var stamp = new MessageStamp(id, id, process.Clock);
                var inbox = new ChunkInbox(new Drops(NullLogger.Instance), process.Clock);
                Publisher = new BlobPublisher(connection, topics, stamp, Store, new BlobTiming());
                Fetcher = new BlobFetcher(connection, topics, stamp, Store, inbox, new BlobTiming());
                var server = new BlobServer(Publisher, NullLogger.Instance, new Drops(NullLogger.Instance), process.Clock);
                scene.kept.Add(server);
                await connection.SubscribeAsync(topics.Inbox(id), message =>
                {
                    if (ProtocolJson.Read<BlobRequest>(message.Payload, out _) is { } request)
                        server.Ask(request);
                }, CancellationToken.None);
                await connection.SubscribeAsync(topics.AllNodeBlobs(id), message =>
                {
                    if (ChunkInbox.TryRead(message.Name, topics.NodeBlobs(id), out var hash, out var chunk))
                        inbox.Deliver(hash, chunk, message.Payload);
                }, CancellationToken.None);
                await act(this);
            }
        }
    }
}

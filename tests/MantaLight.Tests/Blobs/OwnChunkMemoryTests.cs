using System.Buffers;
using System.Collections.Concurrent;
using MantaLight.Blobs;
using MantaLight.Messaging;
using MantaLight.Protocol;
using MantaLight.Shared;

namespace MantaLight.Tests.Blobs;

/// <summary>What transfers allocate, whatever a connection allocates besides. Nothing else may run in the process meanwhile.</summary>
[CollectionDefinition(nameof(OwnChunkMemoryTests), DisableParallelization = true)]
[Collection(nameof(OwnChunkMemoryTests))]
public sealed class OwnChunkMemoryTests : IDisposable
{
    private const int Chunks = 128, ChunkSize = 256 * 1024;

    private static readonly BlobTiming Patient = new() { Idle = TimeSpan.FromMinutes(1), GiveUp = TimeSpan.FromMinutes(5) };

    private readonly string folder = Directory.CreateTempSubdirectory("mantalight-chunks-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task A_result_costs_its_requests()
    {
        var (broker, topics) = (new Loopback(), new Topics("c"));
        await using var producer = await Peer.StartAsync("producer", broker, topics, folder, Patient);
        await using var consumer = await Peer.StartAsync("consumer", broker, topics, folder, Patient);
        var (_, blob) = producer.Write(Chunks * ChunkSize, ChunkSize);
        Assert.InRange(await AllocatedAsync(() => consumer.Fetcher.FetchResultAsync("producer", blob, CancellationToken.None), consumer, blob), 1, 1000);
    }

    private static async Task<long> AllocatedAsync(Func<Task> transfer, Peer consumer, BlobRef blob)
    {
        var before = 0L;
        for (var i = 0; i < 24; i++)
        {
            // Pools are filled by then, and what runs often is compiled as well as it ever is.
            if (i == 20)
                before = GC.GetTotalAllocatedBytes(precise: true);
            await transfer();
            consumer.Store.Delete(blob.Sha256);
        }
        return (GC.GetTotalAllocatedBytes(precise: true) - before) / (4 * Chunks);
    }

    /// <summary>A broker that hands each message on at once, in memory as a socket's reader has it.</summary>
    private sealed class Loopback : IBroker
    {
        private readonly ConcurrentDictionary<string, Action<BrokerMessage>> handlers = new(StringComparer.Ordinal);

        public string Description => "loopback";

        public async Task<IBrokerConnection> ConnectAsync(ConnectionProfile profile, CancellationToken cancellationToken) =>
            new Connection(await new SimulatedBroker().ConnectAsync(profile, cancellationToken), this);

        private void Pass(OutboundMessage message)
        {
            var payload = message.Payload.Length < ChunkSize ? new ReadOnlySequence<byte>(message.Payload.ToArray()) : Reused(message.Payload);
            foreach (var (filter, handler) in handlers)
            {
                if (TopicFilter.Matches(filter, message.Name))
                    handler(new BrokerMessage(message.Name, payload, Retained: false));
            }
        }

        private static ReadOnlySequence<byte> Reused(ReadOnlySequence<byte> chunk)
        {
            var length = (int)chunk.Length;
            var buffer = PayloadBuffer.Rent(length);
            chunk.CopyTo(buffer.Bytes);
            return buffer.Take(length);
        }

        private sealed class Connection(IBrokerConnection inner, Loopback broker) : PassingConnection(inner)
        {
            public override ValueTask PublishAsync(OutboundMessage message, CancellationToken cancellationToken)
            {
                broker.Pass(message);
                return ValueTask.CompletedTask;
            }

            public override Task<IAsyncDisposable> SubscribeAsync(string filter, Action<BrokerMessage> handler, CancellationToken cancellationToken)
            {
                broker.handlers[filter] = handler;
                return base.SubscribeAsync(filter, handler, cancellationToken);
            }
        }
    }
}

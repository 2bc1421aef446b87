using System.Buffers;
using MantaLight.Blobs;
using MantaLight.Diagnostics;
using MantaLight.Messaging;
using MantaLight.Nodes;
using MantaLight.Protocol;
using MantaLight.Storage;
using Microsoft.Extensions.Logging.Abstractions;

namespace MantaLight.Shared;

/// <summary>A node's blob side alone.</summary>
internal sealed class Peer : IAsyncDisposable
{
    public const int ChunkSize = 1024;

    public static readonly BlobTiming Timing = new() { Idle = TimeSpan.FromMilliseconds(200), GiveUp = TimeSpan.FromSeconds(2) };

    private readonly List<BlobRequest> requests = [];
    private int lost;

    public required IBrokerConnection Connection { get; init; }

    public required BlobStore Store { get; init; }

    public required BlobFetcher Fetcher { get; init; }

    public required BlobPublisher Publisher { get; init; }

    public required ChunkInbox Inbox { get; init; }

    public required BlobServer Server { get; init; }

    public bool LoseEveryOtherRequest { get; set; }

    public IReadOnlyList<BlobRequest> Requests
    {
        get
        {
            lock (requests)
                return [.. requests];
        }
    }

    /// <summary>A peer that answers and takes what it has asked for.</summary>
    public static async Task<Peer> StartAsync(string id, IBroker broker, Topics topics, string folder, BlobTiming? timing = null)
    {
        var peer = Of(id, await broker.ConnectAsync(new ConnectionProfile { ClientId = id }, CancellationToken.None), topics, folder, timing);
        await peer.Connection.SubscribeAsync(topics.Inbox(id), peer.Receive, CancellationToken.None);
        var parent = topics.NodeBlobs(id);
        await peer.Connection.SubscribeAsync(topics.AllNodeBlobs(id), message =>
        {
            if (ChunkInbox.TryRead(message.Name, parent, out var hash, out var chunk))
                peer.Inbox.Deliver(hash, chunk, message.Payload);
        }, CancellationToken.None);
        return peer;
    }

    /// <summary>A peer that hears nothing.</summary>
    public static Peer Of(string id, IBrokerConnection connection, Topics topics, string folder, BlobTiming? timing = null)
    {
        timing ??= Timing;
        var stamp = new MessageStamp(id, id, TimeProvider.System);
        var store = new BlobStore(new FileDisk(Path.Combine(folder, id)));
        var inbox = new ChunkInbox(new Drops(NullLogger.Instance), TimeProvider.System);
        var publisher = new BlobPublisher(connection, topics, stamp, store, timing);
        return new Peer
        {
            Connection = connection, Store = store, Inbox = inbox,
            Fetcher = new BlobFetcher(connection, topics, stamp, store, inbox, timing),
            Publisher = publisher, Server = new BlobServer(publisher, NullLogger.Instance, new Drops(NullLogger.Instance), TimeProvider.System),
        };
    }

    public (byte[] Bytes, BlobRef Blob) Write(int size, int chunkSize = ChunkSize)
    {
        var bytes = new byte[size];
        new Random(size).NextBytes(bytes);
        return (bytes, Store.Write(new ReadOnlySequence<byte>(bytes), chunkSize, ValueFormat.Weights));
    }

    public byte[] Read(BlobRef blob)
    {
        using var mapped = Store.Map(blob);
        return mapped.Content.ToArray();
    }

    public async ValueTask DisposeAsync()
    {
        await Fetcher.DisposeAsync();
        await Server.DisposeAsync();
        await Connection.DisposeAsync();
    }

    private void Receive(BrokerMessage message)
    {
        switch (ProtocolJson.Read<ControlMessage>(message.Payload, out _))
        {
            case BlobRequest request:
                lock (requests)
                    requests.Add(request);
                if (LoseEveryOtherRequest && ++lost % 2 == 1)
                    return;
                Server.Ask(request);
                break;
            case BlobRefusal refusal:
                Inbox.Refuse(refusal.From, refusal.Hash, refusal.Reason);
                break;
        }
    }
}

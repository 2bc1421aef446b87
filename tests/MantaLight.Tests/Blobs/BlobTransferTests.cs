using System.Buffers;
using MantaLight.Blobs;
using MantaLight.Diagnostics;
using MantaLight.Messaging;
using MantaLight.Protocol;
using MantaLight.Shared;
using MantaLight.Storage;
using Microsoft.Extensions.Logging.Abstractions;

namespace MantaLight.Tests.Blobs;

/// <summary>Blobs between two nodes over the simulated broker, with what can go wrong on the way.</summary>
public sealed class BlobTransferTests : IAsyncLifetime
{
    private const int ChunkSize = Peer.ChunkSize;

    private readonly string folder = Directory.CreateTempSubdirectory("mantalight-blobs-").FullName;
    private readonly Topics topics = new("c");
    private readonly SimulatedBroker broker = new();
    private Peer producer = null!;
    private Peer consumer = null!;

    public async ValueTask InitializeAsync()
    {
        producer = await Peer.StartAsync("producer", broker, topics, folder);
        consumer = await Peer.StartAsync("consumer", broker, topics, folder);
    }

    public async ValueTask DisposeAsync()
    {
        await producer.DisposeAsync();
        await consumer.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(ChunkSize)]
    [InlineData(ChunkSize + 1)]
    [InlineData((300 * ChunkSize) + 17)]
    public async Task A_result_is_pulled_from_its_producer_bit_for_bit(int size)
    {
        var (bytes, blob) = producer.Write(size);
        await consumer.Fetcher.FetchResultAsync("producer", blob, CancellationToken.None);
        Assert.Equal(bytes, consumer.Read(blob));
    }

    [Fact]
    public async Task No_more_than_a_window_of_chunks_is_asked_for_at_once()
    {
        var (_, blob) = producer.Write(200 * ChunkSize);
        await consumer.Fetcher.FetchResultAsync("producer", blob, CancellationToken.None);
        Assert.All(producer.Requests, r => Assert.InRange(r.Chunks.Length, 1, BlobRequest.Window));
        Assert.True(producer.Requests.Count >= 200 / BlobRequest.Window);
    }

    [Fact]
    public async Task Chunks_that_are_lost_are_asked_for_again()
    {
        var (bytes, blob) = producer.Write(40 * ChunkSize);
        producer.LoseEveryOtherRequest = true;
        await consumer.Fetcher.FetchResultAsync("producer", blob, CancellationToken.None);
        Assert.Equal(bytes, consumer.Read(blob));
    }

    [Fact]
    public async Task A_blob_that_its_producer_does_not_have_is_refused_with_its_word()
    {
        var (_, blob) = producer.Write(5000);
        producer.Store.Delete(blob.Sha256);
        var error = await Assert.ThrowsAsync<BlobUnavailableException>(() => consumer.Fetcher.FetchResultAsync("producer", blob, CancellationToken.None));
        Assert.Contains("no longer", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_producer_that_is_silent_is_given_up()
    {
        var (_, blob) = producer.Write(5000);
        var error = await Assert.ThrowsAsync<BlobUnavailableException>(() => consumer.Fetcher.FetchResultAsync("nobody", blob, CancellationToken.None));
        Assert.Contains("nobody has not sent 5 of 5 chunks", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_does_not_match_its_hash_is_dropped()
    {
        var (_, blob) = producer.Write(5000);
        var wrong = blob with { Sha256 = new string('0', 64) };
        File.Copy(Path.Combine(folder, "producer", "blobs", blob.Sha256), Path.Combine(folder, "producer", "blobs", wrong.Sha256));
        var error = await Assert.ThrowsAsync<MalformedDataException>(() => consumer.Fetcher.FetchResultAsync("producer", wrong, CancellationToken.None));
        Assert.Contains("has the hash", error.Message, StringComparison.Ordinal);
        Assert.False(consumer.Store.Contains(wrong.Sha256));
        Assert.Empty(Directory.EnumerateFiles(Path.Combine(folder, "consumer"), "*.part", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task Foreign_chunks_do_no_harm()
    {
        var (bytes, blob) = producer.Write(40 * ChunkSize);
        var fetching = consumer.Fetcher.FetchResultAsync("producer", blob, CancellationToken.None);
        foreach (var (chunk, length) in new[] { (99, ChunkSize), (0, 3), (-1, ChunkSize), (int.MaxValue, 1) })
            consumer.Inbox.Deliver(blob.Sha256, chunk, new ReadOnlySequence<byte>(new byte[length]));
        await fetching;
        Assert.Equal(bytes, consumer.Read(blob));
    }

    [Fact]
    public async Task One_forged_chunk_does_not_cost_the_blob()
    {
        var (bytes, blob) = producer.Write(3 * ChunkSize);
        producer.LoseEveryOtherRequest = true;
        var fetching = consumer.Fetcher.FetchResultAsync("producer", blob, CancellationToken.None);
        await SwarmHarness.EventuallyAsync(() => consumer.Inbox.Deliver(blob.Sha256, 0, new ReadOnlySequence<byte>(new byte[ChunkSize])));
        await fetching;
        Assert.Equal(bytes, consumer.Read(blob));
    }

    [Fact]
    public async Task A_refusal_from_anybody_but_the_producer_is_ignored()
    {
        var (bytes, blob) = producer.Write(3 * ChunkSize);
        producer.LoseEveryOtherRequest = true;
        var fetching = consumer.Fetcher.FetchResultAsync("producer", blob, CancellationToken.None);
        await SwarmHarness.EventuallyAsync(() => producer.Requests.Count > 0);
        consumer.Inbox.Refuse("somebody", blob.Sha256, "no");
        await fetching;
        Assert.Equal(bytes, consumer.Read(blob));
    }

    [Fact]
    public async Task A_store_that_cannot_be_written_is_told_as_a_blob_that_is_not_to_be_had()
    {
        var (_, blob) = producer.Write(5000);
        Directory.Delete(Path.Combine(folder, "consumer"), recursive: true);
        await File.WriteAllTextAsync(Path.Combine(folder, "consumer"), "no folder");
        var error = await Assert.ThrowsAsync<NodeStorageException>(() => consumer.Fetcher.FetchResultAsync("producer", blob, CancellationToken.None));
        Assert.Contains("cannot be kept in this node's store", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Chunks_larger_than_the_broker_takes_are_refused_with_both_sizes()
    {
        var (_, blob) = producer.Write(5000);
        var large = blob with { ChunkSize = 2 << 20, ChunkCount = 1 };
        var error = await Assert.ThrowsAsync<BlobUnavailableException>(() => consumer.Fetcher.FetchResultAsync("producer", large, CancellationToken.None));
        Assert.Contains("2097152", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(1 << 20)]
    [InlineData((5 << 20) + 3)]
    public void A_value_is_known_by_its_hash_whichever_cores_have_computed_it(int size)
    {
        // In pieces, as weights are written.
        var bytes = new byte[size];
        new Random(size).NextBytes(bytes);
        var blob = producer.Store.Write(Segments.Of([.. bytes.Chunk(300_007)]), ChunkSize, ValueFormat.Weights);
        Assert.Equal(Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(bytes)), blob.Sha256);
        Assert.Equal(bytes, producer.Read(blob));
    }

    [Fact]
    public void What_an_earlier_process_left_is_dropped_unless_it_is_to_be_kept()
    {
        var (_, orphan) = producer.Write(5000);
        var (_, kept) = producer.Write(6000);
        producer.Store.DropAllBut(new HashSet<string> { kept.Sha256 });
        Assert.Equal((false, true), (producer.Store.Contains(orphan.Sha256), producer.Store.Contains(kept.Sha256)));
    }

    [Fact]
    public async Task A_pointer_that_is_not_sound_is_refused_before_anything_is_asked()
    {
        var (_, blob) = producer.Write(5000);
        foreach (var unsound in new[] { blob with { Size = -1 }, blob with { ChunkSize = 0 }, blob with { ChunkCount = 7 }, blob with { Sha256 = "../../../x" }, blob with { Size = long.MaxValue }, blob with { Format = "exe" } })
            await Assert.ThrowsAsync<MalformedDataException>(() => consumer.Fetcher.FetchResultAsync("producer", unsound, CancellationToken.None));
        Assert.Empty(producer.Requests);
    }

    [Fact]
    public async Task Several_that_want_one_blob_share_one_transfer()
    {
        var (_, blob) = producer.Write(100 * ChunkSize);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => consumer.Fetcher.FetchResultAsync("producer", blob, CancellationToken.None)));
        Assert.Equal(100, producer.Requests.Sum(r => r.Chunks.Length));
    }

    [Fact]
    public void What_a_disk_does_not_give_back_is_dropped_as_spoiled()
    {
        var (_, lost) = producer.Write(5000);
        var (_, kept) = producer.Write(6000);
        var store = new BlobStore(new UnreadableDisk(new FileDisk(Path.Combine(folder, "producer")), lost.Sha256));
        Assert.Equal([lost.Sha256], store.DropSpoiled());
        Assert.Equal((false, true), (store.Contains(lost.Sha256), store.Contains(kept.Sha256)));
    }

    [Fact]
    public async Task Chunks_are_cleared_beside_who_asks_and_waited_for_no_longer_than_the_patience()
    {
        var (_, blob) = producer.Write(400 * ChunkSize);
        await producer.Publisher.PublishGlobalAsync("s", blob, CancellationToken.None);
        await using var clearer = new BlobClearer(producer.Connection, topics, NullLogger.Instance, new Drops(NullLogger.Instance), TimeProvider.System);
        clearer.Clear("s", blob);
        // At 200 a second these take two.
        await clearer.DrainAsync(TimeSpan.FromMilliseconds(50));
        Assert.Contains(topics.SwarmBlob("s", blob.Sha256, 399), broker.Retained.Keys);
        await clearer.DrainAsync(TimeSpan.FromSeconds(30));
        Assert.DoesNotContain(broker.Retained.Keys, k => k.Contains("/blobs/", StringComparison.Ordinal));
    }
}

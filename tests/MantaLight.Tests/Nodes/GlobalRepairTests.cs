using System.Collections.Concurrent;
using System.Collections.Immutable;
using MantaLight.Blobs;
using MantaLight.Concurrency;
using MantaLight.Coordination;
using MantaLight.Diagnostics;
using MantaLight.Messaging;
using MantaLight.Nodes;
using MantaLight.Protocol;
using MantaLight.Shared;
using MantaLight.Tasks;
using MantaLight.Tests.Blobs;
using Microsoft.Extensions.Time.Testing;

namespace MantaLight.Tests.Nodes;

/// <summary>A coordinator puts back what the broker has lost of a global, whatever disks have made of their copies.</summary>
public sealed class GlobalRepairTests : IAsyncLifetime
{
    private const string Swarm = "vectors";

    // On a busy machine nobody is given up for being slow: another one would be asked for that alone.
    private static readonly BlobTiming Patient = Peer.Timing with { GiveUp = SwarmHarness.Patience };

    private readonly string folder = Directory.CreateTempSubdirectory("mantalight-repair-").FullName;
    private readonly Topics topics = new("c");
    private readonly SimulatedBroker broker = new();
    private readonly LogBook log = new();
    private readonly ConcurrentQueue<bool> missed = new();
    private Peer coordinator = null!;
    private Peer first = null!;
    private Peer second = null!;

    public async ValueTask InitializeAsync()
    {
        coordinator = await Peer.StartAsync("coordinator", broker, topics, folder, Patient);
        first = await Peer.StartAsync("first", broker, topics, folder);
        second = await Peer.StartAsync("second", broker, topics, folder);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var peer in (Peer[])[coordinator, first, second])
            await peer.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task A_copy_that_the_coordinators_own_disk_has_spoiled_is_dropped_and_a_members_is_put_back()
    {
        var (bytes, blob) = first.Write(3 * Peer.ChunkSize);
        coordinator.Write(3 * Peer.ChunkSize);
        await SpoilAsync("coordinator", blob);
        await RepairAsync(blob, "coordinator", "first");
        Assert.Equal(bytes, coordinator.Read(blob));
        Assert.Equal(bytes, await OnBrokerAsync(blob));
        Assert.Contains(log.Lines, l => l.Contains($"Blob {blob.Sha256} on this node's disk is not what its hash says", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_copy_that_a_members_disk_has_spoiled_is_not_taken_and_the_next_member_is_asked()
    {
        var (bytes, blob) = first.Write(3 * Peer.ChunkSize);
        second.Write(3 * Peer.ChunkSize);
        await SpoilAsync("first", blob);
        await RepairAsync(blob, "first", "second");
        Assert.NotEmpty(first.Requests);
        Assert.Equal(bytes, coordinator.Read(blob));
        Assert.Equal(bytes, await OnBrokerAsync(blob));
    }

    [Fact]
    public async Task What_the_broker_has_spoiled_is_put_back_from_a_members_copy()
    {
        var (bytes, blob) = first.Write(3 * Peer.ChunkSize);
        await first.Publisher.PublishGlobalAsync(Swarm, blob, CancellationToken.None);
        await OverwriteAsync(blob, chunk: 1, new byte[Peer.ChunkSize]);
        await CheckAsync(blob, "first");
        Assert.Equal(bytes, coordinator.Read(blob));
        Assert.Equal(bytes, await OnBrokerAsync(blob));
    }

    [Fact]
    public async Task The_coordinators_own_copy_is_not_trusted_where_the_broker_has_lost_nothing()
    {
        var (bytes, blob) = first.Write(3 * Peer.ChunkSize);
        coordinator.Write(3 * Peer.ChunkSize);
        await first.Publisher.PublishGlobalAsync(Swarm, blob, CancellationToken.None);
        await SpoilAsync("coordinator", blob);
        await CheckAsync(blob, "first");
        Assert.Equal(bytes, coordinator.Read(blob));
    }

    [Fact]
    public async Task A_run_that_waits_before_it_ends_says_for_what_and_not_longer_than_it_says()
    {
        var time = new FakeTimeProvider();
        var context = Context(time);
        await using var repair = Repair(context);
        var (_, blob) = first.Write(Peer.ChunkSize);
        var running = new SwarmState { Swarm = Swarm, Run = "r-1", Status = RunStatus.Running, Globals = [Entry(blob with { Size = 1L << 40 })] };
        repair.Open.Open(blob.Sha256);
        await using var wire = new CoordinatorWire(context, coordinator.Connection, Swarm, new EventQueue<SeatCommand>("coordinator", context.Drops));
        wire.Inherit(running);
        var ending = new RunConclusion(context, wire, repair, term: 1, () => false).EndAsync(running with { Status = RunStatus.Completed }, CancellationToken.None);
        await SwarmHarness.EventuallyAsync(() => wire.Final?.Waiting is not null);
        Assert.Equal((RunStatus.Running, "waiting for what the broker has lost to be put back before the run ends: g"), (wire.Final!.Status, wire.Final.Waiting));
        // Nobody has it: however large it is, its size makes nobody come.
        repair.Open.Missed(blob.Sha256);
        var began = time.GetUtcNow();
        await SwarmHarness.EventuallyAsync(() =>
        {
            time.Advance(TimeSpan.FromSeconds(1));
            return ending.IsCompleted;
        });
        await ending;
        Assert.Equal((RunStatus.Completed, "waiting for a node that has what the broker has lost: g"), (wire.Final.Status, wire.Final.Waiting));
        Assert.Equal([blob.Sha256], wire.Final.Lost!.Value);
        Assert.InRange(time.GetUtcNow() - began, TimeSpan.FromSeconds(10), TimeSpan.FromHours(1));
    }

    [Fact]
    public async Task What_the_round_had_replaced_does_not_hold_up_the_end_of_the_run()
    {
        // Time stands: whatever is waited for never comes.
        var context = Context(new FakeTimeProvider());
        await using var repair = Repair(context);
        var (_, blob) = first.Write(Peer.ChunkSize);
        var replaced = new ReplacedGlobal { Alias = "aggregator", Tag = "g", Before = Entry(blob) };
        var running = new SwarmState { Swarm = Swarm, Run = "r-1", Status = RunStatus.Running, Replaced = [replaced] };
        repair.Check(running);
        Assert.True(repair.Open.Contains(blob.Sha256));
        await using var wire = new CoordinatorWire(context, coordinator.Connection, Swarm, new EventQueue<SeatCommand>("coordinator", context.Drops));
        await new RunConclusion(context, wire, repair, term: 1, () => false)
            .EndAsync(running with { Status = RunStatus.Superseded, Replaced = [] }, CancellationToken.None).WaitAsync(SwarmHarness.Patience);
        Assert.Equal(RunStatus.Superseded, wire.Final?.Status);
    }

    /// <summary>Has a global repaired that has lost all but a part of its last chunk, with these members there.</summary>
    private async Task RepairAsync(BlobRef blob, params string[] members)
    {
        // Of a wrong length, it is seen to be lost at once: for one that is missing its replay would be waited for.
        await OverwriteAsync(blob, blob.ChunkCount - 1, new byte[1]);
        await CheckAsync(blob, members);
    }

    private async Task OverwriteAsync(BlobRef blob, int chunk, byte[] bytes) => await coordinator.Connection.PublishAsync(
        new OutboundMessage(topics.SwarmBlob(Swarm, blob.Sha256, chunk), bytes, retain: true), CancellationToken.None);

    /// <summary>Waits until a global has been looked after, and is told as missing to nobody.</summary>
    private async Task CheckAsync(BlobRef blob, params string[] members)
    {
        var context = Context(TimeProvider.System);
        await using var repair = Repair(context, members);
        repair.Check(new SwarmState { Swarm = Swarm, Globals = [Entry(blob)] });
        var silent = new SignOfLife(SwarmHarness.Patience, last: null, context.Time, () => default);
        await repair.Open.WaitAsync(SwarmHarness.Patience, waitsForMissing: true, silent, () => false, CancellationToken.None);
        Assert.False(repair.Open.Contains(blob.Sha256), string.Join('\n', log.Lines));
        Assert.Empty(missed);
    }

    private async Task SpoilAsync(string node, BlobRef blob)
    {
        var file = Path.Combine(folder, node, "blobs", blob.Sha256);
        var bytes = await File.ReadAllBytesAsync(file);
        bytes[^1] ^= 1;
        await File.WriteAllBytesAsync(file, bytes);
    }

    /// <summary>What somebody reads who has nobody but the broker.</summary>
    private async Task<byte[]> OnBrokerAsync(BlobRef blob)
    {
        await using var reader = await Peer.StartAsync("reader", broker, topics, folder, Patient);
        await reader.Fetcher.FetchGlobalAsync(Swarm, blob, peer: null, CancellationToken.None);
        return reader.Read(blob);
    }

    private static GlobalEntry Entry(BlobRef blob) => new() { Tag = "g", Version = 1, Round = 1, Content = new ValueRef { Blob = blob } };

    private GlobalRepair Repair(SeatContext context, params string[] members) =>
        new(context, coordinator.Connection, Swarm, () => members, _ => true, _ => { }, (_, isMissing) => missed.Enqueue(isMissing));

    private SeatContext Context(TimeProvider time)
    {
        var logger = log.CreateLogger("repair");
        var settings = new NodeSettings
        {
            Id = "coordinator", Cluster = "c", Datasets = new Nothing(), Modules = ImmutableSortedDictionary<string, TaskCatalog>.Empty, StateFolder = folder,
        };
        return new SeatContext(
            broker, settings, new MessageStamp("coordinator", "i", time), new TrafficCounter(), coordinator.Store, coordinator.Fetcher,
            logger, new Drops(logger), time, _ => { }, (_, _) => true, _ => { });
    }

    private sealed class Nothing : IDatasetProvider
    {
        public IReadOnlyCollection<string> Names => [];

        public string? Find(string dataset) => null;
    }
}

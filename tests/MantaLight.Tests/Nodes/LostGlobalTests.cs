using System.Buffers;
using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using MantaLight.Blobs;
using MantaLight.Messaging;
using MantaLight.Nodes;
using MantaLight.Protocol;
using MantaLight.Shared;
using MantaLight.Storage;
using MantaLight.Swarms;
using Microsoft.Extensions.Logging.Abstractions;

namespace MantaLight.Tests.Nodes;

/// <summary>A run has ended without one of its globals, since nobody who was there had it, and then somebody comes back who has.</summary>
public sealed class LostGlobalTests
{
    private const int ChunkSize = 1024;

    private readonly SimulatedBroker broker = new();
    private readonly byte[] bytes = new byte[(3 * ChunkSize) + 1];

    public LostGlobalTests() => new Random(1).NextBytes(bytes);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Whoever_comes_back_with_it_puts_all_of_it_back_and_the_end_stands_without_a_gap(bool hasLastChunk)
    {
        await using var swarm = await SwarmHarness.StartAsync(broker, nodes: 0);
        var (end, blob) = await EndAsync(swarm, hasCopy: true);
        // The last chunk alone is what a coordinator looks at where it does not know better.
        if (hasLastChunk)
            await swarm.Owner.PublishAsync(new OutboundMessage(swarm.Topics.SwarmBlob("vectors", blob.Sha256, 3), bytes.AsMemory(3 * ChunkSize), retain: true), CancellationToken.None);
        await swarm.AddNodeAsync(swarm.Settings("node_0"));
        var restored = await swarm.WaitAsync(s => s.Lost is null);
        Assert.Equal((end.Run, RunStatus.Stopped, null, true), (restored.Run, restored.Status, restored.Waiting, restored.Term > end.Term));
        Assert.Equal(bytes, Enumerable.Range(0, 4).SelectMany(i => broker.Retained[swarm.Topics.SwarmBlob("vectors", blob.Sha256, i)].ToArray()));
    }

    [Fact]
    public async Task Whoever_has_it_no_more_leaves_the_end_as_it_is()
    {
        await using var swarm = await SwarmHarness.StartAsync(broker, nodes: 0);
        await EndAsync(swarm, hasCopy: false);
        await swarm.AddNodeAsync(swarm.Settings("node_0"));
        // As long as one that has it takes, and more.
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition(rounds: 1), "others");
        await swarm.WaitAsync(s => s.Swarm == "others" && s.Status.IsFinal());
        Assert.DoesNotContain(swarm.Messages, m => m.Topic == swarm.Topics.Coordinator("vectors"));
    }

    [Fact]
    public async Task A_refusal_of_another_definition_is_not_overwritten_by_what_is_put_back()
    {
        await using var swarm = await SwarmHarness.StartAsync(broker, nodes: 0);
        var (end, _) = await EndAsync(swarm, hasCopy: true);
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition("NobodysWorker"));
        var states = new ConcurrentQueue<(string Run, RunStatus Status)>();
        await using var watch = await swarm.Owner.SubscribeAsync(
            swarm.Topics.State("vectors"), m => states.Enqueue(ProtocolJson.Read<SwarmState>(m.Payload, out _) is { } s ? (s.Run, s.Status) : default), CancellationToken.None);
        await swarm.AddNodeAsync(swarm.Settings("node_0"));
        await swarm.WaitAsync(s => s.Status == RunStatus.Refused);
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition(rounds: 2));
        await swarm.WaitAsync(s => s.Status == RunStatus.Completed);
        Assert.DoesNotContain(end.Run, states.SkipWhile(s => s.Status != RunStatus.Refused).Select(s => s.Run));
        Assert.Single(states, s => s.Status == RunStatus.Refused);
    }

    [Fact]
    public void A_state_that_names_what_is_none_of_its_globals_or_more_than_may_be_is_not_sound()
    {
        GlobalEntry[] globals =
        [
            .. Enumerable.Range(0, 17).Select(i => new BlobRef { Sha256 = i.ToString("x64", CultureInfo.InvariantCulture), Size = 1, ChunkSize = ChunkSize, ChunkCount = 1, Format = ValueFormat.Weights })
                .Select(b => new GlobalEntry { Tag = $"g{b.Sha256[^2..]}", Version = 1, Round = 1, Content = new ValueRef { Blob = b } }),
        ];
        var state = new SwarmState { Swarm = "vectors", Definition = new string('d', 64), Globals = [.. globals] };
        string[] hashes = [.. globals.Select(g => g.Content.Blob!.Sha256)];
        Assert.True((state with { Lost = [.. hashes.Take(16)] }).IsSound());
        Assert.False((state with { Lost = [.. hashes] }).IsSound());
        Assert.False((state with { Lost = [new string('f', 64)] }).IsSound());
    }

    /// <summary>A run that was stopped while nobody had its global; node_0 was away, with a copy on its disk or not.</summary>
    private async Task<(SwarmState End, BlobRef Blob)> EndAsync(SwarmHarness swarm, bool hasCopy)
    {
        var definition = SwarmHarness.Definition(rounds: 5);
        var hash = SwarmJson.HashOf(SwarmJson.Parse(Encoding.UTF8.GetBytes(definition)));
        var settings = swarm.Settings("node_0");
        var disk = new FileDisk(settings.StateFolder);
        var blob = new BlobStore(disk).Write(new ReadOnlySequence<byte>(bytes), ChunkSize, ValueFormat.Weights);
        var running = new SwarmState
        {
            Swarm = "vectors", Definition = hash, Run = new RunId(hash, 1).ToString(), Start = 1, Round = 3, Term = 1, Status = RunStatus.Running,
            Globals = [new GlobalEntry { Tag = "g", Version = 1, Round = 2, Content = new ValueRef { Blob = blob } }], From = "node_9", Incarnation = "i", Id = "i-1",
        };
        await using (var archive = new SwarmArchive(disk, NullLogger.Instance))
        {
            archive.KeepDefinition("vectors", Encoding.UTF8.GetBytes(definition));
            archive.KeepState("vectors", running);
        }
        if (!hasCopy)
            new BlobStore(disk).Delete(blob.Sha256);
        var end = running with { Status = RunStatus.Stopped, Term = 2, Lost = [blob.Sha256], Waiting = "waiting for a node that has what the broker has lost: g" };
        await swarm.PublishDefinitionAsync(definition);
        await swarm.Owner.PublishAsync(new OutboundMessage(swarm.Topics.State("vectors"), ProtocolJson.Write(end), retain: true), CancellationToken.None);
        return (end, blob);
    }
}

using System.Buffers;
using MantaLight.Blobs;
using MantaLight.Messaging;
using MantaLight.Nodes;
using MantaLight.Protocol;
using MantaLight.Shared;
using MantaLight.Storage;
using Microsoft.Extensions.Logging;

namespace MantaLight.Tests.Nodes;

/// <summary>What a node has done is on its disk, and is not done again.</summary>
public sealed class AttemptJournalTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("mantalight-journal-").FullName;
    private readonly LogBook log = new();
    private readonly FileDisk disk;
    private readonly BlobStore store;
    private readonly AttemptJournal journal;

    public AttemptJournalTests()
    {
        disk = new FileDisk(folder);
        store = new BlobStore(disk);
        journal = new AttemptJournal(disk, log.CreateLogger("journal"));
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void A_record_is_read_back_as_it_was_written()
    {
        var (schedule, record) = Completed(round: 3);
        journal.Write("vectors", schedule, record);
        var entry = Assert.Single(new AttemptJournal(new FileDisk(folder), log.CreateLogger("journal")).Load(store));
        Assert.Equal(("vectors", "a.3.worker.node_0.1", 3), (entry.Swarm, entry.Schedule.Attempt, entry.Schedule.Round));
        Assert.Equal(ProtocolJson.Write(record), ProtocolJson.Write(entry.Record));
        Assert.Empty(log.Lines);
    }

    [Fact]
    public void A_later_attempt_of_a_round_takes_the_place_of_an_earlier_one_and_both_go_together()
    {
        var (schedule, record) = Completed(round: 3);
        journal.Write("vectors", schedule, record);
        journal.Write("vectors", schedule with { Attempt = "a.3.worker.node_0.2", Number = 2 }, record);
        Assert.Equal(2, Assert.Single(journal.Load(store)).Schedule.Number);
        journal.Delete("vectors", schedule);
        Assert.Empty(disk.List("journal"));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(70)]
    [InlineData(-1)]
    public void What_the_disk_has_spoiled_is_dropped_with_a_warning_and_the_rest_is_kept(int at)
    {
        var (first, record) = Completed(round: 3);
        journal.Write("vectors", first, record);
        var (second, other) = Completed(round: 4);
        journal.Write("vectors", second, other);
        var file = Directory.GetFiles(Path.Combine(folder, "journal")).Order(StringComparer.Ordinal).First();
        var bytes = File.ReadAllBytes(file);
        bytes[at < 0 ? bytes.Length + at : at] ^= 1;
        File.WriteAllBytes(file, bytes);
        Assert.Equal(4, Assert.Single(journal.Load(store)).Schedule.Round);
        Assert.False(File.Exists(file));
        AssertWarned($"journal/{Path.GetFileName(file)}");
    }

    [Fact]
    public void A_record_whose_blobs_are_gone_is_dropped_with_a_warning()
    {
        var (schedule, record) = Completed(round: 3);
        journal.Write("vectors", schedule, record);
        store.Delete(record.Results[0].Content.Blob!.Sha256);
        Assert.Empty(journal.Load(store));
        AssertWarned("journal/vectors.worker.3.a");
    }

    [Fact]
    public async Task A_node_that_comes_back_answers_with_what_it_had_done()
    {
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 1);
        var id = $"counted-{Guid.NewGuid():n}";
        await swarm.PublishDefinitionAsync(Counted, id);
        var first = await swarm.WaitAsync(IsAtItsEnd);
        await swarm.StopNodeAsync("node_0");
        await swarm.AddNodeAsync("node_0");
        await swarm.WaitAsync(s => s.Term > first.Term && IsAtItsEnd(s));
        Assert.Equal(1, CountedWorker.Count(id));
    }

    [Fact]
    public async Task A_node_that_finds_a_blob_of_its_work_spoiled_says_so_and_does_the_work_again()
    {
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 1);
        var id = $"counted-{Guid.NewGuid():n}";
        await swarm.PublishDefinitionAsync(Counted, id);
        var first = await swarm.WaitAsync(IsAtItsEnd);
        await swarm.StopNodeAsync("node_0");
        var updates = swarm.Messages.Select(m => ProtocolJson.Read<ControlMessage>(m.Payload, out _)).OfType<TaskCompleted>();
        var blob = updates.First(c => c.Alias == "worker").Results.Select(r => r.Content.Blob).OfType<BlobRef>().Single();
        var file = Path.Combine(swarm.Settings("node_0").StateFolder, "blobs", blob.Sha256);
        var bytes = await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken);
        bytes[^1] ^= 1;
        await File.WriteAllBytesAsync(file, bytes, TestContext.Current.CancellationToken);
        await swarm.AddNodeAsync("node_0");
        Assert.Contains(swarm.Log.Lines, l => l.StartsWith($"Warning: Blob {blob.Sha256} on this node's disk is not what its hash says; it is dropped", StringComparison.Ordinal));
        Assert.Contains(swarm.Log.Lines, l => l.StartsWith($"Warning: Journal entry journal/{id}.worker.1.{first.Run} ", StringComparison.Ordinal));
        await SwarmHarness.EventuallyAsync(() => CountedWorker.Count(id) == 2);
    }

    private const string Counted = $$"""
        { "name": "counted", "module": "{{SwarmHarness.Module}}", "setup": "FirstVector",
          "tasks": [ { "alias": "worker", "type": "CountedWorker" }, { "alias": "end", "type": "EndlessWorker", "after": ["worker"] } ] }
        """;

    private static bool IsAtItsEnd(SwarmState state) => state.Tasks.Any(t => t.Alias == "end" && t.Phase == TaskPhase.Running);

    private void AssertWarned(string name) => Assert.StartsWith($"Warning: Journal entry {name} on this node's disk is spoiled", Assert.Single(log.Lines), StringComparison.Ordinal);

    private (ScheduleAttempt Schedule, TaskCompleted Record) Completed(int round)
    {
        var blob = store.Write(new ReadOnlySequence<byte>(new byte[2000 + round]), 1024, ValueFormat.Weights);
        var schedule = new ScheduleAttempt { Run = "a", Round = round, Alias = "worker", Attempt = $"a.{round}.worker.node_0.1", Number = 1, Module = "m", TaskType = "t" };
        return (schedule, new TaskCompleted
        {
            Run = "a", Round = round, Alias = "worker", Attempt = schedule.Attempt, Results = [new StagedResult { Tag = "model", Samples = 7, Content = new ValueRef { Blob = blob } }],
        });
    }
}

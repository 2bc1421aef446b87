using System.Buffers;
using MantaLight.Blobs;
using MantaLight.Coordination;
using MantaLight.Messaging;
using MantaLight.Nodes;
using MantaLight.Protocol;
using MantaLight.Shared;
using MantaLight.Simulation;
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

    [Fact]
    public async Task What_a_node_has_left_of_a_removed_swarm_stays_in_its_journal_until_it_is_cleared()
    {
        var broker = new SimulatedBroker();
        var (clears, goOn) = (new TaskCompletionSource(), new TaskCompletionSource());
        var slow = new BentBroker(broker, (inner, profile) => profile.ClientId.EndsWith(".node_0", StringComparison.Ordinal) ? new SlowToClear(inner, clears, goOn.Task) : inner);
        await using var swarm = await SwarmHarness.StartAsync(slow, nodes: 0);
        var settings = swarm.Settings("node_0");
        var disk = new FileDisk(settings.StateFolder);
        var blob = new BlobStore(disk).Write(new ReadOnlySequence<byte>(new byte[2000]), 1024, ValueFormat.Weights);
        var run = new RunId(new string('a', 64), 1);
        var schedule = new ScheduleAttempt
        {
            Run = run.ToString(), Alias = "setup", Attempt = AttemptId.Of(run, 0, "setup", "node_0", 1), Number = 1, Module = "m", TaskType = "t", From = "node_1",
        };
        new AttemptJournal(disk, log.CreateLogger("journal")).Write("vectors", schedule, new TaskCompleted
        {
            Run = schedule.Run, Alias = "setup", Attempt = schedule.Attempt, Globals = [new StagedGlobal { Tag = "model", Content = new ValueRef { Blob = blob } }],
        });
        var tombstone = new SwarmState { Swarm = "vectors", Definition = run.Definition, Run = schedule.Run, Start = 1, Term = 3, Status = RunStatus.Removed, From = "node_1" };
        await swarm.Owner.PublishAsync(new OutboundMessage(swarm.Topics.State("vectors"), ProtocolJson.Write(tombstone), retain: true), CancellationToken.None);
        foreach (var chunk in (int[])[0, 1])
            await swarm.Owner.PublishAsync(new OutboundMessage(swarm.Topics.SwarmBlob("vectors", blob.Sha256, chunk), new byte[10], retain: true), CancellationToken.None);
        await swarm.AddNodeAsync(settings);
        await clears.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        // Were it killed now, it would begin again.
        Assert.Equal((1, true), (disk.List("journal").Count, disk.Exists($"blobs/{blob.Sha256}")));
        goOn.SetResult();
        await SwarmHarness.EventuallyAsync(() => disk.List("journal").Count == 0 && !disk.Exists($"blobs/{blob.Sha256}"));
        Assert.DoesNotContain(broker.Retained.Keys, topic => topic.Contains(blob.Sha256, StringComparison.Ordinal));
    }

    /// <summary>A connection that clears nothing retained until it may.</summary>
    private sealed class SlowToClear(IBrokerConnection inner, TaskCompletionSource clears, Task goOn) : PassingConnection(inner)
    {
        public override async ValueTask PublishAsync(OutboundMessage message, CancellationToken cancellationToken)
        {
            if (message.Payload.IsEmpty)
            {
                clears.TrySetResult();
                await goOn.WaitAsync(cancellationToken);
            }
            await base.PublishAsync(message, cancellationToken);
        }
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

using System.Collections.Immutable;
using MantaLight.Coordination;
using MantaLight.Protocol;
using MantaLight.Swarms;

namespace MantaLight.Tests.Coordination;

public sealed class StartPointTests : CoordinatorDriver
{
    private static readonly StartBlob Blob = new(new string('a', 64), 2000, 1024, 2, "weights");

    private static SwarmDefinition FromRoundTwo => Definition() with
    {
        Setup = new TaskDefinition { Alias = TaskDefinition.SetupAlias, Type = "S" },
        Start = new StartDefinition
        {
            Round = 2,
            FromNodes = ["node_1"],
            Globals = new Dictionary<string, StartGlobal> { ["w"] = new() { Blob = Blob } }.ToImmutableSortedDictionary(StringComparer.Ordinal),
        },
    };

    [Fact]
    public void The_first_round_is_the_one_after_with_its_globals_and_nodes_and_without_setup()
    {
        Begin(FromRoundTwo, "node_0", "node_1");
        Assert.Equal((3, RunStatus.Running), (state.Round, state.Status));
        var schedule = Assert.Single(Schedules("worker"));
        Assert.Equal("node_1", schedule.Node);
        var global = Assert.Single(schedule.Message.Globals);
        Assert.Equal(("w", 1, 2, Blob.Sha256), (global.Tag, global.Version, global.Round, global.Content.Blob!.Sha256));
        Assert.Contains(done.OfType<CoordinatorAction.PublishGlobal>(), p => p.Global.Tag == "w");
        Assert.Empty(Schedules("setup"));
    }

    [Fact]
    public void The_seeds_are_those_of_the_run_that_never_stopped()
    {
        Begin("node_0");
        for (var round = 1; round < 3; round++)
            Finish();
        var undisturbed = Schedules("worker")[^1].Message;
        done.Clear();
        Begin(FromRoundTwo with { Start = FromRoundTwo.Start! with { FromNodes = null } }, "node_0");
        var resumed = Assert.Single(Schedules("worker")).Message;
        Assert.Equal((3, undisturbed.Seed), (resumed.Round, resumed.Seed));
        Assert.Equal(undisturbed.Round, resumed.Round);
    }

    [Fact]
    public void While_it_waits_for_nodes_a_successor_and_a_pause_do_not_lose_the_start()
    {
        Begin(FromRoundTwo);
        Assert.Equal((2, RunStatus.Starting), (state.Round, state.Status));
        Step(new CoordinatorEvent.ControlSeen(SwarmAction.Pause));
        TakeOver(done.OfType<CoordinatorAction.PublishState>().Last().State);
        Member("node_1");
        Wait(timing.RollCall);
        Step(new CoordinatorEvent.ControlSeen(SwarmAction.Resume));
        Assert.Equal((3, RunStatus.Running), (state.Round, state.Status));
        Assert.Equal(Blob.Sha256, Schedules("worker")[^1].Message.Globals.Single().Content.Blob!.Sha256);
    }

    [Fact]
    public void What_it_starts_with_stays_on_the_broker_until_it_is_removed()
    {
        Begin(FromRoundTwo with { Start = FromRoundTwo.Start! with { FromNodes = null } }, "node_0");
        Finish(new StagedGlobal { Tag = "w", Content = new ValueRef { Blob = new BlobRef { Sha256 = new string('b', 64), Size = 2000, ChunkSize = 1024, ChunkCount = 2, Format = "weights" } } });
        Finish();
        Assert.Equal(5, state.Round);
        Assert.Empty(done.OfType<CoordinatorAction.ClearBlob>());
        Assert.Equal(Blob.Sha256, Assert.Single(state.Retiring).Sha256);
        Step(new CoordinatorEvent.RunEnded(RunStatus.Removed, "away"));
        Assert.Single(done.OfType<CoordinatorAction.Remove>());
    }

    private void Finish(params StagedGlobal[] globals)
    {
        Complete("worker", "node_0");
        Step(new CoordinatorEvent.UpdateSeen(Completed("aggregator", "node_0", 1) with { Globals = [.. globals] }));
        Step(new CoordinatorEvent.UpdateSeen(Completed("scheduler", "node_0", 1) with { Next = new NextRequest() }));
    }
}

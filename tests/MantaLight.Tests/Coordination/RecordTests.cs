using System.Collections.Immutable;
using System.Text.Json;
using MantaLight.Coordination;
using MantaLight.Protocol;
using MantaLight.Swarms;

namespace MantaLight.Tests.Coordination;

/// <summary>Records come from the wire, and the state must stay small and writable.</summary>
public sealed class RecordTests : CoordinatorDriver
{
    [Fact]
    public void A_second_completion_changes_nothing()
    {
        Begin("a", "b");
        Complete("worker", "a");
        var before = state;
        Complete("worker", "a", seconds: 99);
        Assert.Equal(before.Tasks["worker"].Placed["a"], state.Tasks["worker"].Placed["a"]);
    }

    [Fact]
    public void The_state_stays_below_64_KiB_with_a_thousand_nodes()
    {
        Begin([.. Enumerable.Range(0, 1000).Select(i => $"a_participant_with_a_rather_long_name_{i:0000}")]);
        foreach (var node in state.Members.Keys)
            Fail("worker", node, message: new string('x', 5000));
        var bytes = ProtocolJson.Write(StateView.Of(state));
        Assert.True(bytes.Length < 64 * 1024, $"{bytes.Length} bytes");
    }

    [Fact]
    public void What_a_round_has_replaced_is_left_out_of_the_state_last_of_all()
    {
        Begin("a");
        var large = new ValueRef { Value = System.Text.Json.JsonSerializer.SerializeToElement(new string('x', ValueRef.MaximumInline - 2)) };
        ReplacedGlobal Replaced(int i) => new() { Alias = "aggregator", Tag = "g", Before = new GlobalEntry { Tag = "g", Version = i, Content = large } };
        state = state with { Replaced = [.. Enumerable.Range(1, 10).Select(Replaced)] };
        Assert.Equal(10, StateView.Of(state).Replaced.Length);
        state = state with { Replaced = [.. Enumerable.Range(1, 20).Select(Replaced)] };
        var view = StateView.Of(state);
        Assert.Empty(view.Replaced);
        Assert.True(ProtocolJson.Write(view).Length < 64 * 1024);
    }

    [Fact]
    public void The_state_stays_below_64_KiB_with_a_long_history_of_many_metrics_and_troubles()
    {
        Begin("a");
        var summary = new RoundSummary
        {
            Round = 1, Decision = new string('d', 500), GlobalSha256 = new string('a', 64),
            Metrics = Enumerable.Range(0, 48).ToImmutableSortedDictionary(i => $"a_long_tag_of_somebody.metric_{i:00}.loss", i => i / 7.0, StringComparer.Ordinal),
            LeftOut = [.. Enumerable.Range(0, 16).Select(i => new NodeTrouble { Node = $"node_{i}", Reason = new string('r', 300) })],
        };
        state = state with { History = [.. Enumerable.Repeat(summary, SwarmState.MaximumHistory)], Tasks = state.Tasks.SetItem("worker", state.Tasks["worker"] with { Phase = TaskPhase.Committed }) };
        var view = StateView.Of(state);
        Assert.True(ProtocolJson.Write(view).Length < 64 * 1024);
        Assert.Equal(summary.GlobalSha256, view.History[^1].GlobalSha256);
        Assert.Equal(TaskPhase.Committed, view.Tasks[0].Phase);
    }

    public static TheoryData<string, Func<TaskCompleted, TaskCompleted>> BadRecords => new()
    {
        { "a tag with a wildcard", r => r with { Results = [new StagedResult { Tag = "a/#", Content = One }] } },
        { "two results of one tag", r => r with { Results = [new StagedResult { Tag = "a", Content = One }, new StagedResult { Tag = "a", Content = One }] } },
        { "no content", r => r with { Results = [new StagedResult { Tag = "a" }] } },
        { "samples beyond all measure", r => r with { Results = [new StagedResult { Tag = "a", Content = One, Samples = long.MaxValue }] } },
        { "a base of what is no difference", r => r with { Results = [new StagedResult { Tag = "a", Content = One, Base = new BlobRef { Sha256 = new string('a', 64), Size = 1, ChunkSize = 1024, ChunkCount = 1, Format = ValueFormat.Weights } }] } },
        { "endless seconds", r => r with { Seconds = double.PositiveInfinity } },
        { "globals from several nodes", r => r with { Globals = [new StagedGlobal { Tag = "a", Content = One }] } },
        { "an unsound pointer", r => r with { Results = [new StagedResult { Tag = "a", Content = new ValueRef { Blob = new BlobRef { Sha256 = "x", Size = -1 } } }] } },
        { "a reason without end", r => r with { Next = new NextRequest { Reason = new string('x', 10_000) } } },
        { "nodes without end", r => r with { Next = new NextRequest { Nodes = [.. Enumerable.Repeat("a", 1000)] } } },
    };

    [Theory]
    [MemberData(nameof(BadRecords))]
    public void A_record_that_is_not_in_order_is_refused_and_the_node_named(string what, Func<TaskCompleted, TaskCompleted> spoil)
    {
        Begin(Definition(quorum: 0.5), "a", "b");
        Step(new CoordinatorEvent.UpdateSeen(spoil(Completed("worker", "a", 1))));
        Assert.True(state.Tasks["worker"].Placed["a"].Phase == AttemptPhase.Failed, what);
        Assert.Contains("its record was refused", state.Tasks["worker"].Placed["a"].Trouble, StringComparison.Ordinal);
        Complete("worker", "b");
        Assert.Equal(TaskPhase.Committed, state.Tasks["worker"].Phase);
    }

    [Fact]
    public void Of_what_is_told_of_privacy_the_summary_has_the_worst_of_the_nodes()
    {
        Begin("a", "b");
        Tell("a", """{"loss":1,"epsilon":2.5,"local_epsilon":1,"private":1,"samples":900}""");
        Tell("b", """{"loss":3,"epsilon":1.5,"local_epsilon":7,"private":0,"samples":100}""");
        Complete("aggregator", [.. state.Tasks["aggregator"].Placed.Keys]);
        Complete("scheduler", [.. state.Tasks["scheduler"].Placed.Keys]);
        var metrics = Assert.Single(state.History).Metrics;
        Assert.Equal((1.2, 2.5, 7, 0), (Math.Round(metrics["m.loss"], 9), metrics["m.epsilon"], metrics["m.local_epsilon"], metrics["m.private"]));

        void Tell(string node, string json) => Step(new CoordinatorEvent.UpdateSeen(
            Completed("worker", node, 1) with { Results = [new StagedResult { Tag = "m", Content = new ValueRef { Value = JsonDocument.Parse(json).RootElement } }] }));
    }

    [Fact]
    public void A_metric_that_is_no_finite_number_is_left_out_of_the_summary()
    {
        Begin("a");
        var metrics = JsonDocument.Parse("""{"loss":1e999,"huge":1e308,"good":0.5,"samples":1000}""").RootElement;
        Step(new CoordinatorEvent.UpdateSeen(Completed("worker", "a", 1) with { Results = [new StagedResult { Tag = "m", Content = new ValueRef { Value = metrics } }] }));
        Complete("aggregator", "a");
        Complete("scheduler", "a");
        Assert.Equal(["m.good"], Assert.Single(state.History).Metrics.Keys);
        Assert.NotEmpty(ProtocolJson.Write(StateView.Of(state)));
    }
}

using MantaLight.Coordination;
using MantaLight.Protocol;

namespace MantaLight.Tests.Coordination;

/// <summary>Who will combine results hears of each as it is made.</summary>
public sealed class ForesightTests : CoordinatorDriver
{
    private static readonly string[] Nodes = ["a", "b", "c"];

    [Fact]
    public void The_node_that_gets_the_task_had_been_told_of_the_results_of_all_others()
    {
        Begin(Nodes);
        foreach (var node in Nodes)
            Step(new CoordinatorEvent.UpdateSeen(WithWeights("worker", node)));
        var host = Host("aggregator");
        var told = done.OfType<CoordinatorAction.FetchAhead>().ToArray();
        Assert.All(told, t => Assert.Equal((host, "aggregator", 1), (t.Node, t.Message.Alias, t.Message.Round)));
        Assert.Equal(Nodes.Except([host]), told.SelectMany(t => t.Message.Inputs).Select(i => i.Node));
        Assert.All(told, t => Assert.True(t.Message.IsSound()));
    }

    [Fact]
    public void Small_results_which_come_with_the_task_are_not_told_ahead()
    {
        Begin(Nodes);
        Complete("worker", Nodes);
        Assert.Empty(done.OfType<CoordinatorAction.FetchAhead>());
    }

    [Fact]
    public void Another_node_is_told_where_the_likely_one_has_gone()
    {
        Begin(Nodes);
        Step(new CoordinatorEvent.UpdateSeen(WithWeights("worker", "a")));
        Step(new CoordinatorEvent.UpdateSeen(WithWeights("worker", "b")));
        var likely = done.OfType<CoordinatorAction.FetchAhead>().Select(f => f.Node).Distinct().Single();
        Member(likely, NodeStatus.Offline);
        done.Clear();
        Step(new CoordinatorEvent.UpdateSeen(WithWeights("worker", "c")));
        Assert.DoesNotContain(done.OfType<CoordinatorAction.FetchAhead>(), f => f.Node == likely);
    }

    [Fact]
    public void Where_no_node_fits_none_is_looked_for_until_another_member_comes()
    {
        var definition = Definition();
        Begin(definition with { Tasks = [.. definition.Tasks.Select(t => t.Alias == "aggregator" ? t with { Tags = ["big"] } : t)] }, Presence("a"), Presence("b"), Presence("c"), Presence("z") with { Tags = ["big"] });
        Step(new CoordinatorEvent.MemberSeen(Presence("z", NodeStatus.Offline)));
        Step(new CoordinatorEvent.UpdateSeen(WithWeights("worker", "a")));
        // Whoever looked again would find one now.
        state = state with { Definition = definition };
        Step(new CoordinatorEvent.UpdateSeen(WithWeights("worker", "b")));
        Assert.Empty(done.OfType<CoordinatorAction.FetchAhead>());
        Step(new CoordinatorEvent.MemberSeen(Presence("z") with { Tags = ["big"] }));
        Step(new CoordinatorEvent.UpdateSeen(WithWeights("worker", "c")));
        Assert.NotNull(state.Foreseen["aggregator"].Host);
    }

    private TaskCompleted WithWeights(string alias, string node) => Completed(alias, node, 1) with
    {
        Results =
        [
            new StagedResult
            {
                Tag = "model_params", Samples = 10,
                Content = new ValueRef { Blob = new BlobRef { Sha256 = new string(node[0], 64), Size = 100, ChunkSize = 1024, ChunkCount = 1, Format = ValueFormat.Weights } },
            },
        ],
    };
}

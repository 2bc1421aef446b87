using MantaLight.Coordination;
using MantaLight.Protocol;
using MantaLight.Swarms;
using MantaLight.Weights.Packing;

namespace MantaLight.Tests.Coordination;

/// <summary>A swarm's codecs are negotiated by what its nodes say that they know.</summary>
public sealed class CodecPlacementTests : CoordinatorDriver
{
    [Fact]
    public void A_node_that_does_not_know_a_step_is_chosen_for_nothing()
    {
        Begin(("a", [.. PackingPlan.Known]), ("b", ["delta", "zstd"]), ("c", ["delta", "zstd", "int8"]));
        Assert.Equal(["a", "c"], state.Tasks["worker"].Placed.Keys);
        Complete("worker", "a", "c");
        Assert.NotEqual("b", Host("aggregator"));
    }

    [Fact]
    public void Where_nobody_knows_them_the_swarm_waits_and_says_who_lacks_what()
    {
        Begin(("old", []), ("older", ["delta"]));
        Assert.Empty(state.Tasks);
        Assert.Contains("old: codec 'delta' is not known to it; older: codec 'int8' is not known to it", Published().Waiting ?? Published().Reason, StringComparison.Ordinal);
    }

    private SwarmState Published() => done.OfType<CoordinatorAction.PublishState>().Last().State;

    private void Begin(params (string Node, string[] Codecs)[] nodes)
    {
        var definition = Rounds("\"retries\": 0") with
        {
            Codecs = SwarmJson.Parse("""{ "name": "s", "module": "m", "tasks": [{ "alias": "w", "type": "W" }], "codecs": { "model": ["delta", "int8", "zstd"] } }"""u8.ToArray()).Codecs,
        };
        var fresh = new CoordinatorState { Swarm = "s", Definition = definition, Run = new RunId(SwarmJson.HashOf(definition), 1), Term = 1, Timing = timing };
        var present = nodes.Select(n => Presence(n.Node) with { Codecs = [.. n.Codecs] }).ToArray();
        (state, var actions) = CoordinatorMachine.Begin(fresh, null, goesOn: false, present, now);
        done.AddRange(actions);
    }
}

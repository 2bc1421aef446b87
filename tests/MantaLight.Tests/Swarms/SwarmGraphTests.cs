using MantaLight.Swarms;

namespace MantaLight.Tests.Swarms;

public sealed class SwarmGraphTests
{
    // Listed against the flow of work, to tell definition order from topological order.
    private static readonly SwarmGraph Graph = new(Definitions.Parse("""
        {"name":"s","module":"M","tasks":[
          {"alias":"end","type":"T","after":["join","lone"]},
          {"alias":"join","type":"T","after":["right","left"]},
          {"alias":"right","type":"T","after":["start"]},
          {"alias":"left","type":"T","after":["start"]},
          {"alias":"lone","type":"T"},
          {"alias":"start","type":"T"}]}
        """));

    [Fact]
    public void Roots_wait_for_nothing_and_come_in_definition_order() => Assert.Equal(["lone", "start"], Graph.Roots.AsEnumerable());

    [Fact]
    public void Each_task_comes_behind_what_it_waits_for_and_otherwise_in_definition_order() =>
        Assert.Equal(["lone", "start", "right", "left", "join", "end"], Graph.Order.AsEnumerable());

    [Fact]
    public void Predecessors_keep_the_order_of_after_and_successors_that_of_the_definition()
    {
        Assert.Equal(["right", "left"], Graph.PredecessorsOf("join").AsEnumerable());
        Assert.Equal(["right", "left"], Graph.SuccessorsOf("start").AsEnumerable());
        Assert.Empty(Graph.SuccessorsOf("end"));
    }

    [Fact]
    public void Descendants_are_everything_downstream_once()
    {
        Assert.Equal(["right", "left", "join", "end"], Graph.DescendantsOf("start").AsEnumerable());
        Assert.Equal(["end"], Graph.DescendantsOf("lone").AsEnumerable());
    }

    [Fact]
    public void A_round_from_a_task_is_the_task_and_its_descendants() =>
        Assert.Equal(["left", "join", "end"], Graph.RoundFrom("left").AsEnumerable());

    [Fact]
    public void A_graph_of_an_unvalidated_cycle_is_refused()
    {
        TaskDefinition[] tasks = [new() { Alias = "a", Type = "T", After = ["b"] }, new() { Alias = "b", Type = "T", After = ["a"] }];

        Assert.Throws<InvalidSwarmException>(() => new SwarmGraph(new SwarmDefinition { Name = "s", Module = "M", Tasks = [.. tasks] }));
    }
}

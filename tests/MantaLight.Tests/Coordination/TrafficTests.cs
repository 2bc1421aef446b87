using MantaLight.Coordination;
using MantaLight.Protocol;

namespace MantaLight.Tests.Coordination;

/// <summary>What a run's bytes are counted from.</summary>
public sealed class TrafficTests : CoordinatorDriver
{
    [Fact]
    public void Bytes_are_what_the_counters_have_grown_by_in_this_run_whoever_coordinates()
    {
        Begin("a");
        Accept("worker", "a", sent: 5000);
        Accept("worker", "a", sent: 5600);
        Assert.Equal(600, StateView.Of(state).BytesUp);
        TakeOver(StateView.Of(state));
        Accept("worker", "a", sent: 5600);
        Accept("worker", "a", sent: 5700);
        // A node that was started again counts from nothing.
        Accept("worker", "a", sent: 20, incarnation: "second");
        Accept("worker", "a", sent: 50, incarnation: "second");
        Assert.Equal(730, StateView.Of(state).BytesUp);
    }

    [Fact]
    public void What_a_node_had_read_when_its_coordinator_began_is_the_base_even_if_its_first_update_comes_after_a_transfer()
    {
        Begin("a");
        TakeOver(StateView.Of(state), new Traffic().Note("a", "first", new Flow(5000, 0)));
        Accept("worker", "a", sent: 5600);
        Assert.Equal(600, StateView.Of(state).BytesUp);
    }
}

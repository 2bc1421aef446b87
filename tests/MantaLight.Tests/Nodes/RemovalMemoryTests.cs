using System.Buffers;
using System.Text;
using MantaLight.Nodes;
using MantaLight.Protocol;
using MantaLight.Shared;
using MantaLight.Swarms;

namespace MantaLight.Tests.Nodes;

/// <summary>What a member remembers of a swarm that is being removed: the definition's absence, the tombstone, a claim that somebody has left.</summary>
public sealed class RemovalMemoryTests : SwarmMemoryDriver
{
    [Fact]
    public void A_definition_that_was_published_before_a_removal_was_through_is_not_taken_for_the_removed_one()
    {
        var another = Encoding.UTF8.GetBytes(SwarmHarness.Definition(rounds: 9));
        memory.Remember(new RememberedSwarm("vectors", another, State(start: 1, term: 1, RunStatus.Removing)));
        Assert.True(memory is { IsWanted: true, Book.Removing: false });
    }

    [Fact]
    public void A_claim_beside_a_tombstone_is_taken_away_when_it_has_stood_for_a_while()
    {
        memory.ClaimSeen();
        memory.StateSeen(State(start: 1, term: 1, RunStatus.Removed));
        Assert.False(memory.IsEmpty);
        memory.Tick();
        Assert.False(memory.IsWanted);
        time.Advance(settings.Coordination.Patience);
        memory.Tick();
        Assert.True(memory is { IsWanted: true, Book.IsClaimAlone: true });
        memory.ClaimCleared();
        Assert.True(memory is { IsWanted: false, IsEmpty: true, Book: null });
    }

    [Fact]
    public void A_claim_alone_is_no_reason_to_remove_what_turns_out_to_run()
    {
        memory.ClaimSeen();
        time.Advance(settings.Coordination.Patience);
        memory.Tick();
        Assert.True(memory.IsWanted);
        memory.StateSeen(State(start: 1, term: 1, RunStatus.Running));
        Assert.True(memory is { IsWanted: false, Book: null });
    }

    [Fact]
    public void A_definition_in_place_of_a_claim_alone_is_an_ordinary_one()
    {
        memory.ClaimSeen();
        time.Advance(settings.Coordination.Patience);
        memory.Tick();
        Assert.Null(memory.DefinitionSeen(new ReadOnlySequence<byte>(Definition), retained: true));
        Assert.True(memory is { IsWanted: true, Book.Removing: false });
    }

    [Fact]
    public void What_was_heard_of_a_claim_before_the_connection_was_lost_is_not_known()
    {
        memory.ClaimSeen();
        memory.ConnectionChanged(connected: false);
        Assert.True(memory.IsEmpty);
    }

    [Fact]
    public void A_removal_takes_the_wish_with_it()
    {
        memory.DefinitionSeen(new ReadOnlySequence<byte>(Definition), retained: false);
        memory.StateSeen(State(start: 1, term: 1, RunStatus.Completed));
        memory.ControlSeen(SwarmAction.Start);
        memory.DefinitionSeen(ReadOnlySequence<byte>.Empty, retained: false);
        memory.StateSeen(State(start: 1, term: 2, RunStatus.Removed));
        memory.DefinitionSeen(new ReadOnlySequence<byte>(Definition), retained: false);
        memory.StateSeen(State(start: 1, term: 3, RunStatus.Completed));
        Assert.False(memory.IsWanted);
    }

    [Fact]
    public void A_removal_is_wanted_although_the_definition_is_lost_everywhere()
    {
        memory.DefinitionSeen(ReadOnlySequence<byte>.Empty, retained: false);
        Assert.False(memory.IsWanted);
        memory.StateSeen(State(start: 1, term: 1, RunStatus.Completed));
        memory.DefinitionSeen(ReadOnlySequence<byte>.Empty, retained: false);
        Assert.True(memory is { IsWanted: true, Book.Removing: true });
        memory.StateSeen(State(start: 1, term: 2, RunStatus.Removed));
        Assert.False(memory.IsWanted);
    }

    [Fact]
    public void A_definition_that_is_missing_beside_a_tombstone_was_removed_whatever_it_was_by_then()
    {
        var other = Encoding.UTF8.GetBytes(SwarmHarness.Definition(seed: 2));
        memory.DefinitionSeen(new ReadOnlySequence<byte>(other), retained: false);
        memory.ConnectionChanged(connected: false);
        memory.ConnectionChanged(connected: true);
        memory.StateSeen(State(start: 1, term: 2, RunStatus.Removed));
        Assert.False(memory.IsWanted);
    }

    [Fact]
    public void A_tombstone_from_before_the_run_that_is_known_removes_nothing()
    {
        memory.DefinitionSeen(new ReadOnlySequence<byte>(Definition), retained: false);
        memory.StateSeen(State(start: 2, term: 2, RunStatus.Running));
        memory.ConnectionChanged(connected: false);
        memory.ConnectionChanged(connected: true);
        // The broker was killed and has forgotten all that came after it.
        memory.StateSeen(State(start: 1, term: 2, RunStatus.Removed));
        Assert.Equal(SwarmJson.HashOf(SwarmJson.Parse(Definition)), memory.Book?.Hash);
        Assert.Equal((RunStatus.Running, 2), (memory.Later?.Status, memory.Later?.Start));
    }

    [Fact]
    public void A_run_that_was_removed_does_not_go_on()
    {
        memory.DefinitionSeen(new ReadOnlySequence<byte>(Definition), retained: false);
        memory.StateSeen(State(start: 3, term: 1, RunStatus.Removing) with { Round = 2 });
        // From a node that had its definition and nothing else, on a broker that has lost everything.
        memory.StateSeen(State(start: 3, term: 2, RunStatus.Starting));
        Assert.Equal((RunStatus.Removing, 3), (memory.Later?.Status, memory.Later?.Start));
        memory.StateSeen(State(start: 4, term: 3, RunStatus.Starting));
        Assert.Null(memory.Later);
    }
}

using System.Buffers;
using System.Text;
using MantaLight.Protocol;
using MantaLight.Shared;
using MantaLight.Swarms;

namespace MantaLight.Tests.Nodes;

/// <summary>What a member remembers of a run and of what its owner wants of it.</summary>
public sealed class SwarmMemoryTests : SwarmMemoryDriver
{
    [Fact]
    public void A_wish_to_run_again_is_fulfilled_once()
    {
        memory.DefinitionSeen(new ReadOnlySequence<byte>(Definition), retained: false);
        memory.StateSeen(State(start: 1, term: 1, RunStatus.Completed));
        Assert.False(memory.IsWanted);
        memory.ControlSeen(SwarmAction.Start);
        Assert.True(memory.IsWanted);
        memory.StateSeen(State(start: 2, term: 2, RunStatus.Running));
        memory.StateSeen(State(start: 2, term: 2, RunStatus.Completed));
        Assert.False(memory.IsWanted);
        // On another broker, where starts are counted anew.
        memory.StateSeen(State(start: 1, term: 3, RunStatus.Completed));
        Assert.Null(memory.Book?.RestartAfter);
    }

    [Fact]
    public void Who_has_what_a_run_has_ended_without_puts_it_back_and_nobody_else_tries()
    {
        var lost = new string('a', 64);
        memory.DefinitionSeen(new ReadOnlySequence<byte>(Definition), retained: false);
        memory.StateSeen(State(start: 1, term: 1, RunStatus.Stopped) with { Lost = [new string('b', 64), lost] });
        Assert.False(memory.IsWanted);
        held.Add(lost);
        Assert.True(memory.IsWanted);
        // In vain: not again before the connection is another one.
        memory.Concluded(memory.State);
        Assert.False(memory.IsWanted);
        memory.ConnectionChanged(connected: false);
        memory.ConnectionChanged(connected: true);
        memory.StateSeen(memory.State!, isRetained: true);
        Assert.True(memory.IsWanted);
        memory.StateSeen(State(start: 1, term: 2, RunStatus.Stopped));
        Assert.False(memory.IsWanted);
    }

    [Fact]
    public void The_state_of_a_finished_run_is_missed_where_the_broker_has_its_definition_alone()
    {
        memory.DefinitionSeen(new ReadOnlySequence<byte>(Definition), retained: false);
        memory.StateSeen(State(start: 1, term: 1, RunStatus.Completed));
        memory.ConnectionChanged(connected: false);
        memory.ConnectionChanged(connected: true);
        // Somebody has begun to put back what the broker has lost, and was lost himself.
        memory.DefinitionSeen(new ReadOnlySequence<byte>(Definition), retained: true);
        Assert.False(memory.IsWanted);
        time.Advance(settings.Coordination.Patience);
        Assert.True(memory.IsWanted);
        memory.StateSeen(State(start: 1, term: 2, RunStatus.Completed), isRetained: true);
        Assert.False(memory.IsWanted);
    }

    [Fact]
    public void The_end_of_a_run_is_later_than_whatever_an_older_copy_of_its_state_says()
    {
        memory.DefinitionSeen(new ReadOnlySequence<byte>(Definition), retained: false);
        memory.StateSeen(State(start: 1, term: 1, RunStatus.Stopped) with { Round = 5 });
        // From a coordinator that was started with what its disk had kept.
        memory.StateSeen(State(start: 1, term: 2, RunStatus.Running) with { Round = 5 });
        Assert.Equal(RunStatus.Stopped, memory.Later?.Status);
        memory.StateSeen(State(start: 2, term: 3, RunStatus.Running));
        Assert.Null(memory.Later);
    }

    [Fact]
    public void A_definition_that_takes_the_place_of_what_had_superseded_it_is_run_again()
    {
        memory.DefinitionSeen(new ReadOnlySequence<byte>(Definition), retained: false);
        memory.StateSeen(State(start: 1, term: 1, RunStatus.Running));
        memory.DefinitionSeen(new ReadOnlySequence<byte>(Encoding.UTF8.GetBytes(SwarmHarness.Definition(seed: 2))), retained: false);
        memory.StateSeen(State(start: 1, term: 1, RunStatus.Superseded));
        // Before anybody has begun the other one.
        memory.DefinitionSeen(new ReadOnlySequence<byte>(Definition), retained: false);
        Assert.True(memory.IsWanted);
        memory.StateSeen(State(start: 2, term: 2, RunStatus.Completed));
        Assert.False(memory.IsWanted);
    }

    [Fact]
    public void An_end_by_somebody_who_had_begun_with_less_does_not_make_later_rounds_undone()
    {
        memory.DefinitionSeen(new ReadOnlySequence<byte>(Definition), retained: false);
        memory.StateSeen(State(start: 1, term: 1, RunStatus.Running) with { Round = 50 });
        memory.StateSeen(State(start: 1, term: 2, RunStatus.Failed) with { Round = 2 });
        Assert.Equal((RunStatus.Running, 50), (memory.Later?.Status, memory.Later?.Round));
        // Nobody coordinates any more: the end is to be told again, with what was committed.
        Assert.True(memory.IsWanted);
        // In vain: not again before the connection is another one.
        memory.Concluded(State(start: 1, term: 3, RunStatus.Failed) with { Round = 2 });
        Assert.False(memory.IsWanted);
        memory.ConnectionChanged(connected: false);
        memory.ConnectionChanged(connected: true);
        // What the broker has is not known yet.
        Assert.False(memory.IsWanted);
        memory.StateSeen(memory.State!, isRetained: true);
        Assert.True(memory.IsWanted);
        memory.StateSeen(State(start: 1, term: 4, RunStatus.Failed) with { Round = 50 });
        Assert.Null(memory.Later);
        Assert.False(memory.IsWanted);
    }

    [Fact]
    public void What_is_learnt_after_an_end_was_told_again_in_vain_is_told_too()
    {
        memory.DefinitionSeen(new ReadOnlySequence<byte>(Definition), retained: false);
        memory.StateSeen(State(start: 1, term: 1, RunStatus.Running) with { Round = 50 });
        memory.StateSeen(State(start: 1, term: 2, RunStatus.Failed) with { Round = 2 });
        memory.Concluded(memory.State);
        Assert.False(memory.IsWanted);
        // Another copy of the end that was tried to be told again changes nothing.
        memory.StateSeen(memory.State!);
        Assert.False(memory.IsWanted);
        memory.Adopt(State(start: 1, term: 1, RunStatus.Running) with { Round = 51 });
        Assert.True(memory.IsWanted);
        memory.StateSeen(State(start: 1, term: 3, RunStatus.Failed) with { Round = 51 });
        Assert.False(memory.IsWanted);
        // And again by somebody who knew less.
        memory.StateSeen(State(start: 1, term: 4, RunStatus.Failed) with { Round = 2 });
        Assert.True(memory.IsWanted);
    }

    [Fact]
    public void An_end_that_was_told_with_all_that_was_committed_is_told_again_where_the_next_one_knows_less()
    {
        memory.DefinitionSeen(new ReadOnlySequence<byte>(Definition), retained: false);
        memory.Concluded(State(start: 1, term: 1, RunStatus.Failed) with { Round = 50 });
        memory.StateSeen(State(start: 1, term: 2, RunStatus.Failed) with { Round = 2 });
        Assert.True(memory.IsWanted);
    }

    [Fact]
    public void What_had_superseded_a_run_is_not_told_in_place_of_its_end()
    {
        memory.DefinitionSeen(new ReadOnlySequence<byte>(Definition), retained: false);
        memory.StateSeen(State(start: 1, term: 1, RunStatus.Failed) with { Round = 2 });
        memory.Adopt(State(start: 1, term: 1, RunStatus.Superseded) with { Round = 60 });
        Assert.False(memory.IsWanted);
    }

    [Fact]
    public void A_wish_to_go_on_is_void_when_the_run_has_come_to_its_end_without_it()
    {
        memory.DefinitionSeen(new ReadOnlySequence<byte>(Definition), retained: false);
        memory.StateSeen(State(start: 1, term: 1, RunStatus.Stopped));
        memory.ControlSeen(SwarmAction.Resume);
        Assert.True(memory.IsWanted);
        // By nodes that had never heard of the stop, while this one was cut off.
        memory.StateSeen(State(start: 1, term: 2, RunStatus.Completed) with { Round = 3 });
        Assert.False(memory.IsWanted);
    }

    [Fact]
    public void A_state_of_fewer_starts_than_are_remembered_is_told_of_them_whatever_their_definition()
    {
        memory.DefinitionSeen(new ReadOnlySequence<byte>(Definition), retained: false);
        memory.StateSeen(State(start: 4, term: 1, RunStatus.Running));
        memory.DefinitionSeen(new ReadOnlySequence<byte>(Encoding.UTF8.GetBytes(SwarmHarness.Definition(seed: 2))), retained: false);
        var other = State(start: 1, term: 2, RunStatus.Completed) with { Definition = memory.Book!.Hash, Run = "s-1" };
        memory.StateSeen(other);
        Assert.Null(memory.Later);
        Assert.Equal((1, 4, true, true), (memory.State!.Start, memory.State.Counted, memory.IsMiscounted, memory.IsWanted));
        memory.StateSeen(other with { Term = 3, Counted = 4 });
        Assert.Equal((false, false), (memory.IsMiscounted, memory.IsWanted));
    }

    [Fact]
    public void What_a_coordinator_of_this_node_had_published_before_it_ended_the_run_does_not_bring_it_back()
    {
        memory.DefinitionSeen(new ReadOnlySequence<byte>(Definition), retained: false);
        memory.Concluded(State(start: 1, term: 1, RunStatus.Superseded) with { Round = 2 });
        memory.StateSeen(State(start: 1, term: 1, RunStatus.Running) with { Round = 2 });
        Assert.Equal(RunStatus.Superseded, memory.State?.Status);
        // But what the broker retains is what it has.
        memory.StateSeen(State(start: 1, term: 1, RunStatus.Running) with { Round = 2 }, isRetained: true);
        Assert.Equal(RunStatus.Running, memory.State?.Status);
        memory.Concluded(State(start: 1, term: 1, RunStatus.Superseded) with { Round = 2 });
        // Whoever coordinates after it may well bring it back.
        memory.StateSeen(State(start: 1, term: 2, RunStatus.Running) with { Round = 2 });
        Assert.Equal(RunStatus.Running, memory.State?.Status);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_definition_that_a_member_had_kept_is_not_taken_for_the_brokers_before_it_is_there(bool isOwn)
    {
        memory.DefinitionSeen(new ReadOnlySequence<byte>(Definition), retained: false);
        memory.ConnectionChanged(connected: false);
        memory.ConnectionChanged(connected: true);
        var kept = isOwn ? Definition : Encoding.UTF8.GetBytes(SwarmHarness.Definition(seed: 2));
        Assert.True(memory.DefinitionFound(memory.Book!.Hash, kept, isOnBroker: false));
        Assert.Equal((false, SwarmJson.HashOf(SwarmJson.Parse(kept))), (memory.Book!.Confirmed, memory.Book.Hash));
        // Put back, and heard.
        memory.DefinitionSeen(new ReadOnlySequence<byte>(kept), retained: false);
        Assert.True(memory.Book!.Confirmed);
    }
}

using System.Buffers;
using System.Collections.Immutable;
using System.Text;
using MantaLight.Nodes;
using MantaLight.Protocol;
using MantaLight.Shared;
using MantaLight.Storage;
using MantaLight.Swarms;
using MantaLight.Tasks;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace MantaLight.Tests.Nodes;

/// <summary>What a member remembers of a swarm.</summary>
public sealed class SwarmMemoryTests
{
    private static readonly byte[] Definition = Encoding.UTF8.GetBytes(SwarmHarness.Definition());

    private readonly FakeTimeProvider time = new();
    private readonly NodeSettings settings = new() { Id = "node_0", Datasets = new Nothing(), Modules = ImmutableSortedDictionary<string, TaskCatalog>.Empty, StateFolder = "none" };
    private readonly HashSet<string> held = [];
    private readonly SwarmMemory memory;

    public SwarmMemoryTests() => memory = new SwarmMemory(
        settings, new SwarmArchive(new FileDisk(Directory.CreateTempSubdirectory("mantalight-memory-").FullName), NullLogger.Instance), "vectors", time, new LostGlobals(held.Contains));

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
        memory.StateSeen(memory.State!, isRetained: true);
        Assert.True(memory.IsWanted);
        memory.StateSeen(State(start: 1, term: 4, RunStatus.Failed) with { Round = 50 });
        Assert.Null(memory.Later);
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

    private static SwarmState State(int start, long term, RunStatus status) => new()
    {
        From = "node_1", Term = term, Start = start, Status = status, Definition = SwarmJson.HashOf(SwarmJson.Parse(Definition)), Run = $"r-{start}",
    };

    private sealed class Nothing : IDatasetProvider
    {
        public IReadOnlyCollection<string> Names => [];

        public string? Find(string dataset) => null;
    }
}

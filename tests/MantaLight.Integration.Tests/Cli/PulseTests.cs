using MantaLight.Cli.Watching;
using MantaLight.Protocol;
using Microsoft.Extensions.Time.Testing;

namespace MantaLight.Integration.Tests.Cli;

/// <summary>Whoever has gone says nothing; the watch says it.</summary>
public sealed class PulseTests
{
    private const string Broker = "mqtt://broker.example:1883";

    private readonly FakeTimeProvider time = new(new DateTimeOffset(2026, 11, 24, 12, 0, 0, TimeSpan.Zero));
    private readonly RunView view = new("mnist");
    private string? problem;

    public PulseTests() => view.Pulse.Connection(Broker, null, Now);

    private DateTimeOffset Now => time.GetUtcNow();

    [Fact]
    public void A_coordinator_that_has_gone_is_told_once_and_then_each_minute_with_who_it_was_and_who_is_left()
    {
        Apply(Presence("node_0", NodeStatus.Online));
        Apply(Presence("node_1", NodeStatus.Online));
        Apply(Beat("node_1", 3));
        Assert.Empty(Pass(14));
        Assert.Null(view.Pulse.Missing);
        Apply(Presence("node_1", NodeStatus.Offline));
        Assert.Equal(["Waiting: nobody has coordinated for 15 s (last: node_1, term 3); 1 node online"], Pass(1));
        Assert.Empty(Pass(59));
        Assert.Equal("nobody has coordinated for 74 s (last: node_1, term 3); 1 node online", view.Pulse.Missing);
        Apply(Presence("node_0", NodeStatus.Offline));
        Assert.Equal(["Waiting: nobody has coordinated for 75 s (last: node_1, term 3); 0 nodes online"], Pass(1));
    }

    [Fact]
    public void Where_the_coordinator_is_known_to_be_offline_that_is_told_before_its_beats_are_missed()
    {
        Apply(Presence("node_0", NodeStatus.Online));
        Apply(Presence("node_1", NodeStatus.Online));
        Apply(Beat("node_1", 3));
        // Of another node that is offline nothing follows.
        Apply(Presence("node_0", NodeStatus.Offline));
        Assert.Empty(Pass(4));
        Apply(Presence("node_1", NodeStatus.Offline));
        Assert.Empty(Pass(2));
        Assert.Equal(["Waiting: nobody has coordinated for 7 s (last: node_1, term 3); 0 nodes online"], Pass(1));
        Assert.Empty(Pass(1));
        Apply(Beat("node_0", 4));
        Assert.Equal(["node_0 coordinates (term 4), after 8 s in which nobody did"], Pass(1));
    }

    [Fact]
    public void A_beat_is_enough_and_the_first_one_after_a_silence_is_told()
    {
        for (var i = 0; i < 20; i++)
        {
            Apply(Beat("node_1", 3));
            Assert.Empty(Pass(5));
        }
        Assert.Single(Pass(12));
        Apply(Beat("node_2", 4));
        Assert.Equal(["node_2 coordinates (term 4), after 17 s in which nobody did"], Pass(1));
        Assert.Null(view.Pulse.Missing);
        Apply(Beat("node_2", 4));
        Assert.Empty(Pass(1));
    }

    [Fact]
    public void What_the_broker_had_kept_and_a_goodbye_are_no_signs_of_life()
    {
        Apply(new CoordinatorClaim { From = "node_1", Term = 3 }, isRetained: true);
        Apply(State("node_1 is away"), isRetained: true);
        Pass(10);
        Apply(new CoordinatorClaim { From = "node_1", Term = 3, Released = true });
        Assert.Contains("Waiting: nobody has coordinated since the watch began 15 s ago (last: node_1, term 3); 0 nodes online", Pass(5));
    }

    [Fact]
    public void A_swarm_that_nobody_has_begun_waits_for_somebody()
    {
        Assert.Equal(["Waiting: nobody has coordinated since the watch began 15 s ago; 0 nodes online"], Pass(15));
    }

    [Fact]
    public void A_broker_out_of_reach_is_told_with_the_reason_and_nobody_is_blamed_for_what_was_not_heard()
    {
        Apply(Beat("node_1", 3));
        Assert.Empty(Pass(4));
        problem = "No broker answers at mqtt://broker.example:1883 (connection refused).";
        Assert.Empty(Pass(3));
        var lines = Pass(1);
        Assert.Equal([$"Waiting: broker {Broker} not reachable for 3 s: No broker answers at mqtt://broker.example:1883 (connection refused); trying again"], lines);
        Assert.Empty(Pass(59));
        Assert.StartsWith($"broker {Broker} not reachable for 62 s", view.Pulse.Missing, StringComparison.Ordinal);
        Assert.Single(Pass(1));
        problem = null;
        Assert.Equal(["The broker is reachable again after 64 s"], Pass(1));
        Assert.Empty(Pass(14));
        Assert.Equal(["Waiting: nobody has coordinated for 84 s (last: node_1, term 3); 0 nodes online"], Pass(1));
    }

    [Fact]
    public void A_short_loss_is_not_worth_a_word_and_the_nodes_are_counted_anew_behind_it()
    {
        Apply(Presence("node_0", NodeStatus.Online));
        problem = "cut";
        Assert.Empty(Pass(2));
        problem = null;
        Assert.Empty(Pass(15));
        Assert.EndsWith("; 0 nodes online", Assert.Single(Pass(1)), StringComparison.Ordinal);
    }

    [Fact]
    public void The_wait_in_the_state_has_its_age_when_nobody_is_there_to_renew_it()
    {
        Apply(Beat("node_1", 1));
        Apply(State("node_2 (offline 12 s)"));
        Pass(2);
        Assert.Equal("node_2 (offline 12 s)", view.Waiting);
        Apply(Beat("node_1", 1));
        Pass(40);
        Assert.Equal("node_2 (offline 12 s) (as of 40 s ago)", view.Waiting);
        Apply(Beat("node_1", 1));
        Pass(1);
        Assert.Equal("node_2 (offline 12 s)", view.Waiting);
    }

    [Fact]
    public void A_wait_that_the_broker_had_kept_is_as_old_as_its_message()
    {
        Apply(State("node_2 is away") with { Sent = Now.AddMinutes(-10) }, isRetained: true);
        Pass(15);
        Assert.Equal("node_2 is away (as of 10 min ago)", view.Waiting);
    }

    [Fact]
    public void A_run_that_has_ended_needs_nobody()
    {
        Apply(State(null) with { Status = RunStatus.Completed });
        Assert.Empty(Pass(120));
    }

    private void Apply(ControlMessage message, bool isRetained = false) => view.Apply(message, Now, isRetained);

    private List<string> Pass(int seconds)
    {
        var lines = new List<string>();
        for (var i = 0; i < seconds; i++)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            view.Pulse.Connection(Broker, problem, Now);
            lines.AddRange(view.Tick(Now).SelectMany(h => PlainLines.Of(h, "mnist")));
        }
        return lines;
    }

    private static Presence Presence(string node, NodeStatus status) => new() { From = node, Status = status };

    private static CoordinatorBeat Beat(string node, long term) => new() { From = node, Term = term };

    private SwarmState State(string? waiting) => new()
    {
        Swarm = "mnist", From = "node_1", Run = "run-1", Term = 1, Start = 1, Status = RunStatus.Running, Round = 1, Waiting = waiting, Sent = Now,
    };
}

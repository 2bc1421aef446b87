using System.Text.RegularExpressions;
using MantaLight.Protocol;

namespace MantaLight.Simulation;

/// <summary>What takes all processors for a while: after the tests that wait for timers.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;

/// <summary>Whole swarms through random faults. A seed that fails is replayed by the simulation's runner with a trace.</summary>
[Collection(nameof(Alone))]
public sealed class HistoryTests
{
    private const int Seeds = 2000;

    [Fact]
    public void Two_thousand_histories_hold()
    {
        var violations = new List<string>();
        var faults = new Tally();
        var (runs, audits, finals, memories) = (0, 0, 0, 0);
        Batch.Run(1, Seeds, Environment.ProcessorCount, plan => plan, outcome =>
        {
            runs += outcome.Ends.Count;
            audits += outcome.Audits;
            finals += outcome.Finals;
            memories += outcome.Memories;
            faults.Add(outcome.Faults);
            if (outcome.Violation is { } violation)
                violations.Add($"seed {outcome.Seed}: {violation}\n  replay: dotnet run -c Release --project tests/MantaLight.Simulation -- --first-seed {outcome.Seed} --seeds 1 --trace");
            return violations.Count < 5;
        });
        Assert.True(violations.Count == 0, string.Join('\n', violations));
        Assert.True(runs >= Seeds);
        Assert.All(Tally.All, what => Assert.True(faults.Counts.GetValueOrDefault(what) >= 20, $"{faults.Counts.GetValueOrDefault(what)} times {what}"));
        Assert.True(audits >= Seeds / 2 && finals >= Seeds / 4 && memories >= Seeds / 20, $"{audits} audits, {finals} last globals, {memories} memories");
    }

    [Theory]
    // A definition was published again before its removal was through.
    [InlineData(320007856)]
    // All but the coordinator were cut off while the run was stopped, and its global was on their disks alone.
    [InlineData(720006556)]
    // The broker came back with a state of before the removal that one member had done, and its owner removed it again.
    [InlineData(740047817)]
    // Who had lost all but the definition ended the run just before another member told what had been committed.
    [InlineData(900036898)]
    // A node heard of its run's end by nothing but its own coordinator, which had found it on the broker.
    [InlineData(900071870)]
    // Who had missed the removal of a run went on with its record, when the same process coordinated the next one, of the same term, on a broker that had lost everything.
    [InlineData(1500007227)]
    public void What_a_long_hunt_has_found_once_holds(long seed) => Batch.Run(seed, 1, 1, plan => plan.WithBarriers(), outcome =>
    {
        Assert.Null(outcome.Violation);
        return true;
    });

    [Fact]
    public void Without_faults_every_run_completes_with_all_nodes_in_every_round() => Batch.Run(1, 100, 1, plan => plan.WithBarriers().Undisturbed(), outcome =>
    {
        Assert.Null(outcome.Violation);
        Assert.All(outcome.Ends, end => Assert.Equal(RunStatus.Completed, end));
        Assert.True(outcome.Commits > 0);
        Assert.Equal((0, outcome.Ends.Count), (outcome.Partial, outcome.Finals));
        return true;
    });

    [Fact]
    public void Histories_without_barriers_hold()
    {
        var violations = new List<string>();
        var (buffers, late) = (0, 0);
        Batch.Run(1, 50, Environment.ProcessorCount, plan => plan.WithoutBarriers(), outcome =>
        {
            (buffers, late) = (buffers + outcome.Buffers, late + outcome.Late);
            if (outcome.Violation is { } violation)
                violations.Add($"seed {outcome.Seed}: {violation}");
            return violations.Count < 5;
        });
        Assert.True(violations.Count == 0, string.Join('\n', violations));
        Assert.True(buffers >= 200 && late >= 50, $"{buffers} buffers with {late} late records");
    }

    [Theory]
    [InlineData(nameof(Mutation.TermFromMemory), "^(Two act for swarm|The claim of swarm .* goes back)")]
    [InlineData(nameof(Mutation.NoGrace), "^(The state of swarm .* goes back|Swarm .*, term .*(follows|is gone|has changed))")]
    [InlineData(nameof(Mutation.ActsAfterLoss), "^(Two act for swarm|The (claim|state) of swarm .* goes back)")]
    [InlineData(nameof(Mutation.CommitsUnread), "its chunks do not all stand on the broker")]
    [InlineData(nameof(Mutation.NoDedupe), "runs attempt .* a second time")]
    [InlineData(nameof(Mutation.NoRecordDedupe), "version .* of the global")]
    [InlineData(nameof(Mutation.ReadsWhatIsThere), "the audit of round .* has seen other bits")]
    [InlineData(nameof(Mutation.NeverDeletes), "(on the disk of|in the journal of) .* (whatever the number of rounds|although its swarm has ended)")]
    public void A_rule_that_is_broken_on_purpose_is_found_out_for_what_it_is(string mutation, string harm)
    {
        // Others may show first in some histories, such as the messages that it costs.
        var isFound = false;
        Batch.Run(1, Seeds, Environment.ProcessorCount, plan => plan with { Mutation = Enum.Parse<Mutation>(mutation) },
            outcome => !(isFound = outcome.Violation is { } violation && Regex.IsMatch(violation, harm)));
        Assert.True(isFound);
    }

    [Fact]
    public void A_seed_gives_the_whole_history()
    {
        // With full disks among them, whose errors tell where they were thrown.
        const long first = 5130;
        var traces = new Dictionary<long, string>();
        Batch.Run(first, 40, 1, plan => plan, outcome =>
        {
            traces[outcome.Seed] = outcome.TraceHash;
            return true;
        });
        Batch.Run(first, 40, 2, plan => plan, outcome =>
        {
            Assert.Equal(traces[outcome.Seed], outcome.TraceHash);
            return true;
        }, writesTrace: true);
        Assert.Equal(40, traces.Values.Distinct().Count());
    }
}

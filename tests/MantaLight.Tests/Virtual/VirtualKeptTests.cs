using MantaLight.Protocol;
using MantaLight.Virtual;
using MantaLight.Weights;

namespace MantaLight.Tests.Virtual;

/// <summary>What a virtual node keeps counts when its record did.</summary>
public sealed class VirtualKeptTests
{
    private readonly VirtualKept kept = new();

    public VirtualKeptTests()
    {
        Lose(1, 1);
        kept.Settle(Over(1));
        Lose(2, 2);
    }

    [Fact]
    public void A_round_that_is_over_is_what_the_next_begins_with()
    {
        Assert.Equal(1, Known(2));
        kept.Settle(Over(2));
        Assert.Equal(2, Known(3));
    }

    [Fact]
    public void A_task_that_comes_after_it_sees_what_its_own_round_has_set()
    {
        Assert.Equal(2, Known(2, "test", "worker", "aggregator"));
        Assert.Equal(1, Known(2, "test"));
        // An attempt that is repeated reads what it read.
        Assert.Equal(1, Known(2, "worker", "worker"));
    }

    [Fact]
    public void A_name_is_one_task_s()
    {
        var refusal = Assert.Throws<TaskContractException>(() => kept.Require("node", Of(3) with { Alias = "test" }, "r", more: 0));
        Assert.Contains("'r' is what task 'worker' keeps", refusal.Message, StringComparison.Ordinal);
        kept.Require("other", Of(3) with { Alias = "test" }, "r", more: 0);
        Assert.Throws<TaskContractException>(() => kept.Require("node", Of(3), "s", more: 63));
    }

    [Fact]
    public void A_skipped_round_has_lost_nothing()
    {
        kept.Settle(Over(2, skipped: "too few"));
        Assert.Equal(1, Known(3));
    }

    [Fact]
    public void Who_was_left_out_has_lost_nothing()
    {
        kept.Settle(Over(2, leftOut: "node"));
        Assert.Equal(1, Known(3));
    }

    [Theory]
    [InlineData("node", 2)]
    [InlineData("other", 1)]
    public void Who_counted_among_many_is_known_by_the_keys_of_the_committed_task(string counted, float lost)
    {
        kept.Settle(new SwarmState { Round = 2, Tasks = [new TaskState { Alias = "worker", Phase = TaskPhase.Committed, NodeKeys = NodeKeys.Write([NodeKeys.Of(counted)]) }] });
        Assert.Equal(lost, Known(2, "test", "worker"));
        kept.Settle(Over(2));
        Assert.Equal(lost, Known(3));
    }

    [Fact]
    public void What_comes_when_its_round_is_long_over_changes_nothing()
    {
        kept.Settle(Over(2));
        Lose(1, 7);
        kept.Settle(Over(1));
        Assert.Equal(2, Known(3));
    }

    private void Lose(int round, float value, string alias = "worker") => kept.Write("node", Of(round) with { Alias = alias }, "r", Shared.Vector.Of(value));

    private float? Known(int round, string alias = "worker", params string[] before) =>
        kept.Read("node", Of(round) with { Alias = alias }, "r", before.ToHashSet())?[0].Span<float>()[0];

    private static ScheduleAttempt Of(int round) => new() { Alias = "worker", Round = round };

    private static SwarmState Over(int round, string? skipped = null, string? leftOut = null) => new()
    {
        Round = round + 1,
        History = [new RoundSummary { Round = round, Skipped = skipped, LeftOut = leftOut is null ? [] : [new NodeTrouble { Node = leftOut }] }],
    };
}

using MantaLight.Protocol;
using MantaLight.Virtual;
using MantaLight.Weights;

namespace MantaLight.Tests.Virtual;

/// <summary>What a virtual node's contribution has lost counts when the contribution did.</summary>
public sealed class VirtualResidualsTests
{
    private readonly VirtualResiduals residuals = new();

    public VirtualResidualsTests()
    {
        Lose(1, 1);
        residuals.Settle(Over(1));
        Lose(2, 2);
    }

    [Fact]
    public void A_round_that_is_over_is_what_the_next_begins_with()
    {
        Assert.Equal(1, Known(3));
        residuals.Settle(Over(2));
        Assert.Equal(2, Known(3));
    }

    [Fact]
    public void A_skipped_round_has_lost_nothing()
    {
        residuals.Settle(Over(2, skipped: "too few"));
        Assert.Equal(1, Known(3));
    }

    [Fact]
    public void Who_was_left_out_has_lost_nothing()
    {
        residuals.Settle(Over(2, leftOut: "node"));
        Assert.Equal(1, Known(3));
    }

    [Theory]
    [InlineData("node", 2)]
    [InlineData("other", 1)]
    public void Who_counted_among_many_is_known_by_the_keys_of_the_committed_task(string counted, float lost)
    {
        residuals.Settle(new SwarmState { Round = 2, Tasks = [new TaskState { Alias = "worker", Phase = TaskPhase.Committed, NodeKeys = NodeKeys.Write([NodeKeys.Of(counted)]) }] });
        residuals.Settle(Over(2));
        Assert.Equal(lost, Known(3));
    }

    [Fact]
    public void What_comes_when_its_round_is_long_over_changes_nothing()
    {
        residuals.Settle(Over(2));
        Lose(1, 7);
        residuals.Settle(Over(1));
        Assert.Equal(2, Known(3));
    }

    private void Lose(int round, float value) => residuals.Write("node", Of(round), "r", Shared.Vector.Of(value));

    private float? Known(int round) => residuals.Read("node", Of(round), "r")?[0].Span<float>()[0];

    private static ScheduleAttempt Of(int round) => new() { Alias = "worker", Round = round };

    private static SwarmState Over(int round, string? skipped = null, string? leftOut = null) => new()
    {
        Round = round + 1,
        History = [new RoundSummary { Round = round, Skipped = skipped, LeftOut = leftOut is null ? [] : [new NodeTrouble { Node = leftOut }] }],
    };
}

using MantaLight.Checkpoints;
using MantaLight.Protocol;

namespace MantaLight.Tests.Checkpoints;

public sealed class CheckpointDueTests
{
    [Theory]
    [InlineData(3, 1, 2, 2)]
    [InlineData(3, 2, 2, 2)]
    [InlineData(3, 4, 2, null)]
    [InlineData(2, 1, 2, null)]
    [InlineData(4, 1, 2, null)]
    public void A_round_is_due_when_the_next_one_begins_every_so_many_rounds(int round, int every, int global, int? due) =>
        Assert.Equal(due, CheckpointDue.Round(State(RunStatus.Running, round, done: 2, global), every));

    [Fact]
    public void A_state_with_a_global_of_the_round_under_way_is_not_the_round_before() =>
        Assert.Null(CheckpointDue.Round(State(RunStatus.Running, round: 3, done: 2, global: 3), 1));

    [Theory]
    [InlineData(RunStatus.Completed)]
    [InlineData(RunStatus.Stopped)]
    public void The_last_round_is_always_due(RunStatus status) =>
        Assert.Equal(3, CheckpointDue.Round(State(status, round: 3, done: 3, global: 3), every: 10));

    [Fact]
    public void A_run_that_has_not_finished_a_round_has_none() =>
        Assert.Null(CheckpointDue.Round(new SwarmState { Status = RunStatus.Running, Round = 1 }, 1));

    [Theory]
    [InlineData(4, 4, 2, true)]
    [InlineData(4, 3, 2, false)]
    [InlineData(5, 5, 2, false)]
    [InlineData(9, 9, 2, true)]
    public void What_a_round_to_be_kept_has_committed_is_fetched_before_it_is_over(int round, int global, int every, bool early)
    {
        var blob = new BlobRef { Sha256 = new string('a', 64) };
        var state = State(RunStatus.Running, round, done: round - 1, global) with { MaximumRounds = 9 };
        state = state with { Globals = [state.Globals[0] with { Content = new ValueRef { Blob = blob } }] };
        Assert.Equal(early ? [blob] : [], CheckpointDue.Early(state, every).AsEnumerable());
    }

    private static SwarmState State(RunStatus status, int round, int done, int global) => new()
    {
        Status = status, Round = round, History = [new RoundSummary { Round = done }], Globals = [new GlobalEntry { Tag = "g", Round = global }],
    };
}

using MantaLight.Coordination;
using MantaLight.Protocol;

namespace MantaLight.Tests.Coordination;

/// <summary>What a node has put on the broker for nothing is its coordinator's to clear.</summary>
public sealed class AbandonedGlobalTests : CoordinatorDriver
{
    private static readonly BlobRef Left = Blob('a');

    [Fact]
    public void It_is_retired_at_once_and_cleared_when_the_next_round_begins()
    {
        Begin("a");
        Abandon(Left);
        Assert.Equal([Left], done.OfType<CoordinatorAction.PublishState>().Last().State.Retiring);
        Assert.Empty(Cleared());
        FinishRound("a");
        Assert.Equal([Left], Cleared());
    }

    [Fact]
    public void Told_again_it_stands_in_the_state_once()
    {
        Begin("a");
        Abandon(Left);
        Abandon(Left);
        Assert.Equal([Left], state.Retiring);
    }

    [Fact]
    public void What_comes_behind_its_clearing_is_cleared_again()
    {
        Begin("a");
        Abandon(Left);
        FinishRound("a");
        Abandon(Left);
        Assert.Equal([Left, Left], Cleared());
    }

    [Fact]
    public void A_committed_global_is_not_cleared_whoever_says_that_it_was_abandoned()
    {
        Begin("a");
        Complete("worker", "a");
        Step(new CoordinatorEvent.UpdateSeen(Completed("aggregator", "a", 1) with { Globals = [new StagedGlobal { Tag = "g", Content = new ValueRef { Blob = Left } }] }));
        Abandon(Left);
        Assert.Empty(state.Retiring);
    }

    [Fact]
    public void Of_another_run_or_with_an_unsound_pointer_it_means_nothing()
    {
        Begin("a");
        Abandon(Left, run: "0123456789abcdef-7");
        Abandon(new BlobRef { Sha256 = "x", Size = -1 });
        Assert.Empty(state.Retiring);
    }

    [Fact]
    public void A_node_that_abandons_without_end_does_not_make_the_state_grow()
    {
        Begin("a");
        for (var i = 0; i < 1000; i++)
            Abandon(Left with { Sha256 = i.ToString("x64", System.Globalization.CultureInfo.InvariantCulture) });
        Assert.Equal(64, state.Retiring.Length);
        Assert.True(ProtocolJson.Write(StateView.Of(state)).Length < 64 * 1024);
    }

    private static BlobRef Blob(char digit) => new() { Sha256 = new string(digit, 64), Size = 100, ChunkSize = 1024, ChunkCount = 1, Format = ValueFormat.Weights };

    private BlobRef[] Cleared() => [.. done.OfType<CoordinatorAction.ClearBlob>().Select(c => c.Blob)];

    private void Abandon(BlobRef blob, string? run = null) => Step(new CoordinatorEvent.UpdateSeen(new TaskAbandoned
    {
        From = "a", Incarnation = "first", Run = run ?? state.Run.ToString(), Round = 0, Alias = "setup", Attempt = "x", Blob = blob,
    }));
}

using MantaLight.Nodes;
using MantaLight.Protocol;
using Microsoft.Extensions.Time.Testing;

namespace MantaLight.Tests.Nodes;

/// <summary>A live process with this node's id, and the traces of a dead one.</summary>
public sealed class NamesakeWatchTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2.5);

    private readonly FakeTimeProvider time = new();
    private readonly NamesakeWatch watch;

    public NamesakeWatchTests() => watch = new NamesakeWatch(Patience, time);

    [Fact]
    public void Who_goes_on_speaking_is_alive_whatever_its_clock_says()
    {
        Assert.False(watch.IsLive(Presence("a-1") with { Sent = DateTimeOffset.MaxValue }, retained: false));
        time.Advance(Patience);
        Assert.True(watch.IsLive(Presence("a-2") with { Sent = DateTimeOffset.MinValue }, retained: false));
    }

    [Fact]
    public void Last_words_replayed_ones_copies_and_wills_are_no_signs_of_life()
    {
        Assert.False(watch.IsLive(Presence("a-1"), retained: false));
        Assert.False(watch.IsLive(Presence("a-2"), retained: false));
        time.Advance(Patience);
        Assert.False(watch.IsLive(Presence("a-1"), retained: false));
        Assert.False(watch.IsLive(Presence("a-3"), retained: true));
        Assert.False(watch.IsLive(Presence("a-4") with { Status = NodeStatus.Offline }, retained: false));
    }

    [Fact]
    public void Of_two_that_push_each_other_out_the_later_one_hears_by_what_is_retained()
    {
        foreach (var id in new[] { "a-1", "a-2", "a-3" })
            Assert.False(watch.IsLive(Presence(id), retained: true));
        time.Advance(Patience);
        Assert.False(watch.IsLive(Presence("a-3"), retained: true));
        Assert.True(watch.IsLive(Presence("a-4"), retained: true));
    }

    [Fact]
    public void It_is_contradicted_at_once_and_then_once_a_second()
    {
        Assert.False(watch.Contradicts());
        watch.IsLive(Presence("a-1"), retained: false);
        Assert.True(watch.Contradicts());
        watch.IsLive(Presence("a-2"), retained: false);
        Assert.False(watch.Contradicts());
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(watch.Contradicts());
        Assert.False(watch.Contradicts());
    }

    private static Presence Presence(string id) => new() { From = "node_0", Incarnation = "a", Id = id, Status = NodeStatus.Online };
}

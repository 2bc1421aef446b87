using MantaLight.Diagnostics;
using MantaLight.Nodes;
using MantaLight.Shared;
using MantaLight.Tests.Diagnostics;

namespace MantaLight.Tests.Nodes;

/// <summary>What a loop reads.</summary>
public sealed class EventQueueTests : IDisposable
{
    private readonly DropCounts counts = new();
    private readonly LogBook log = new();

    public void Dispose()
    {
        counts.Dispose();
        log.Dispose();
    }

    [Fact]
    public async Task What_comes_from_the_wire_is_bounded_and_what_is_the_nodes_own_is_never_lost_in_one_order()
    {
        var queue = Queue<string>(capacity: 2);
        Assert.True(queue.Offer("wire 1", 1));
        queue.Post("own 1");
        Assert.True(queue.Offer("wire 2", 1));
        Assert.False(queue.Offer("wire 3", 1));
        queue.Post("own 2");
        queue.Complete();
        Assert.Equal(["wire 1", "own 1", "wire 2", "own 2"], await queue.EachAsync(CancellationToken.None).ToArrayAsync());
    }

    [Fact]
    public async Task Few_large_messages_are_as_much_as_many_small_ones()
    {
        var queue = Queue<string>(maximumBytes: 10);
        Assert.True(queue.Offer("six", 6));
        Assert.False(queue.Offer("five", 5));
        queue.Post("own");
        Assert.True(queue.Offer("four", 4));
        Assert.False(queue.Offer("one", 1));
        queue.Complete();
        Assert.Equal(["six", "own", "four"], await queue.EachAsync(CancellationToken.None).ToArrayAsync());
    }

    [Fact]
    public async Task What_has_been_read_makes_room()
    {
        var queue = Queue<int>(capacity: 2, maximumBytes: 10);
        Assert.True(queue.Offer(1, 10));
        Assert.False(queue.Offer(2, 1));
        await using var reading = queue.EachAsync(CancellationToken.None).GetAsyncEnumerator();
        Assert.True(await reading.MoveNextAsync());
        Assert.True(queue.Offer(3, 10));
    }

    [Fact]
    public void What_does_not_fit_is_counted_each_time_and_logged_once()
    {
        var queue = Queue<int>(capacity: 1);
        Assert.True(queue.Offer(1, 1));
        Assert.False(queue.Offer(2, 1));
        Assert.False(queue.Offer(3, 1));
        Assert.Equal(2, counts.Of("node events full"));
        Assert.StartsWith("Warning: More than 1 messages", Assert.Single(log.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public void What_comes_after_the_end_is_nobodys_loss()
    {
        var queue = Queue<int>();
        queue.Complete();
        Assert.False(queue.Offer(1, 1));
        Assert.Equal(0, counts.Of("node events full"));
        Assert.Empty(log.Lines);
    }

    private EventQueue<T> Queue<T>(int capacity = 1000, long maximumBytes = 1000) => new("node", new Drops(log.CreateLogger("")), capacity, maximumBytes);
}

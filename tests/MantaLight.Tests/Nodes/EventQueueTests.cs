using MantaLight.Nodes;

namespace MantaLight.Tests.Nodes;

/// <summary>What a loop reads.</summary>
public sealed class EventQueueTests
{
    [Fact]
    public async Task What_comes_from_the_wire_is_bounded_and_what_is_the_nodes_own_is_never_lost_in_one_order()
    {
        var queue = new EventQueue<string>(2);
        Assert.True(queue.Offer("wire 1"));
        queue.Post("own 1");
        Assert.True(queue.Offer("wire 2"));
        Assert.False(queue.Offer("wire 3"));
        queue.Post("own 2");
        queue.Complete();
        Assert.Equal(["wire 1", "own 1", "wire 2", "own 2"], await queue.EachAsync(CancellationToken.None).ToArrayAsync());
    }

    [Fact]
    public async Task What_has_been_read_makes_room()
    {
        var queue = new EventQueue<int>(1);
        Assert.True(queue.Offer(1));
        Assert.False(queue.Offer(2));
        await using var reading = queue.EachAsync(CancellationToken.None).GetAsyncEnumerator();
        Assert.True(await reading.MoveNextAsync());
        Assert.True(queue.Offer(3));
    }
}

using MantaLight.Cli.Watching;
using MantaLight.Protocol;

namespace MantaLight.Integration.Tests.Cli;

public sealed class WatchQueueTests
{
    private readonly WatchQueue queue = new(capacity: 3);

    [Fact]
    public void What_waits_comes_in_order_and_once()
    {
        Add(1, 2, 3);
        Assert.Equal([1, 2, 3], Rounds(out var lost));
        Assert.Equal(0, lost);
        Assert.Empty(Rounds(out _));
    }

    [Fact]
    public void Of_too_much_the_oldest_is_dropped_and_counted()
    {
        Add(1, 2, 3, 4, 5);
        Assert.Equal([3, 4, 5], Rounds(out var lost));
        Assert.Equal(2, lost);
        Add(6);
        Assert.Equal([6], Rounds(out lost));
        Assert.Equal(0, lost);
    }

    [Fact]
    public void The_last_state_is_kept_whatever_comes_behind_it()
    {
        queue.Add(new WatchInput(new SwarmState { Round = 1 }));
        queue.Add(new WatchInput(new SwarmState { Round = 2, Status = RunStatus.Completed }));
        Add(3, 4, 5, 6);
        Assert.Equal([2, 4, 5, 6], Rounds(out _));
        Assert.Empty(Rounds(out _));
    }

    private void Add(params int[] rounds)
    {
        foreach (var round in rounds)
            queue.Add(new WatchInput(new TaskRunning { Round = round }));
    }

    private int[] Rounds(out long lost) => [.. queue.TakeAll(out lost).Select(i => i.Message is SwarmState s ? s.Round : ((TaskRunning)i.Message!).Round)];
}

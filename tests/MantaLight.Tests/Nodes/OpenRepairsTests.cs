using MantaLight.Blobs;
using MantaLight.Nodes;
using Microsoft.Extensions.Time.Testing;

namespace MantaLight.Tests.Nodes;

/// <summary>Before a run ends, what the broker may have lost is waited for, within reason.</summary>
public sealed class OpenRepairsTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly FakeTimeProvider time = new();
    private readonly OpenRepairs repairs;
    private int signs;

    public OpenRepairsTests() => repairs = new OpenRepairs(time);

    [Fact]
    public void Where_nothing_is_open_nothing_is_waited_for() => Assert.True(Wait().IsCompletedSuccessfully);

    [Fact]
    public void The_wait_is_over_when_the_last_one_stands_on_the_broker()
    {
        repairs.Open("a");
        repairs.Open("b");
        var wait = Wait();
        repairs.Close("a");
        Assert.False(wait.IsCompleted);
        repairs.Close("b");
        Assert.True(wait.IsCompletedSuccessfully);
    }

    [Theory]
    [InlineData(false, true)]
    [InlineData(true, false)]
    public void What_nobody_has_is_waited_for_where_that_is_asked(bool waitsForMissing, bool isOver)
    {
        repairs.Open("a");
        var wait = Wait(waitsForMissing);
        repairs.Missed("a");
        Assert.Equal(isOver, wait.IsCompletedSuccessfully);
    }

    [Fact]
    public void What_is_missed_but_was_not_to_be_looked_at_is_not_waited_for()
    {
        repairs.Missed("a");
        Assert.False(repairs.Contains("a"));
        Assert.True(Wait(waitsForMissing: true).IsCompletedSuccessfully);
    }

    [Fact]
    public void What_need_not_be_waited_for_any_more_is_closed_and_the_rest_stays_open()
    {
        foreach (var hash in (string[])["a", "b", "c"])
            repairs.Open(hash);
        var wait = Wait();
        repairs.CloseAllBut(new HashSet<string> { "b", "never opened" });
        Assert.Equal([false, true, false, false], ((string[])["a", "b", "c", "never opened"]).Select(repairs.Contains));
        Assert.False(wait.IsCompleted);
        repairs.Close("b");
        Assert.True(wait.IsCompletedSuccessfully);
    }

    [Fact]
    public void The_wait_is_over_when_nothing_that_is_open_need_be_waited_for_any_more()
    {
        repairs.Open("a");
        var wait = Wait();
        repairs.CloseAllBut(new HashSet<string>());
        Assert.True(wait.IsCompletedSuccessfully);
    }

    [Fact]
    public async Task Whoever_waits_says_that_it_lives_until_its_patience_is_over()
    {
        repairs.Open("a");
        var began = time.GetTimestamp();
        var wait = Wait();
        // A hundred times its patience: a wait that does not end fails here instead of hanging.
        for (var step = 0; step < 10_000 && !wait.IsCompleted; step++)
        {
            time.Advance(TimeSpan.FromSeconds(0.1));
            await Task.Yield();
        }
        Assert.True(wait.IsCompletedSuccessfully);
        Assert.True(time.GetElapsedTime(began) >= Patience);
        Assert.True(signs > 1);
        Assert.True(repairs.Contains("a"));
    }

    [Fact]
    public async Task Who_is_in_a_hurry_does_not_wait_to_the_end()
    {
        repairs.Open("a");
        var isInHurry = false;
        var wait = repairs.WaitAsync(Patience, waitsForMissing: true, Sign(), () => isInHurry, CancellationToken.None);
        Assert.False(wait.IsCompleted);
        isInHurry = true;
        time.Advance(TimeSpan.FromSeconds(1));
        await wait;
        Assert.Equal(1, signs);
    }

    private Task Wait(bool waitsForMissing = false) => repairs.WaitAsync(Patience, waitsForMissing, Sign(), () => false, CancellationToken.None);

    private SignOfLife Sign() => new(TimeSpan.Zero, last: null, time, () =>
    {
        signs++;
        return ValueTask.CompletedTask;
    });
}

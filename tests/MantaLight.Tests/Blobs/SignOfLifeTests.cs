using MantaLight.Blobs;
using MantaLight.Concurrency;
using Microsoft.Extensions.Time.Testing;

namespace MantaLight.Tests.Blobs;

/// <summary>Whoever works long says so now and then, not at each step.</summary>
public sealed class SignOfLifeTests
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private readonly FakeTimeProvider time = new();
    private int given;

    [Theory]
    [InlineData(true, 1)]
    [InlineData(false, 0)]
    public async Task The_first_is_given_at_once_unless_one_was_given_just_before(bool isFirst, int expected)
    {
        await Work(isFirst).GiveAsync();
        Assert.Equal(expected, given);
    }

    [Fact]
    public async Task In_steps_of_a_second_one_comes_with_each_interval()
    {
        var sign = Work(isFirst: false);
        for (var second = 0; second < 16; second++)
        {
            await sign.GiveAsync();
            time.Advance(TimeSpan.FromSeconds(1));
        }
        Assert.Equal(3, given);
    }

    private SignOfLife Work(bool isFirst) => new(Interval, isFirst ? null : time.SteadyNow(), time, () =>
    {
        given++;
        return ValueTask.CompletedTask;
    });
}

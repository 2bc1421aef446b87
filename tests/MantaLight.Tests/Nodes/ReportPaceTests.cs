using MantaLight.Nodes;
using MantaLight.Protocol;
using Microsoft.Extensions.Time.Testing;

namespace MantaLight.Tests.Nodes;

/// <summary>How often an attempt says how far it is.</summary>
public sealed class ReportPaceTests
{
    private readonly FakeTimeProvider time = new();

    [Theory]
    [InlineData(0.5, 6)]
    // A task that counts in percent, or has ended and goes on telling so.
    [InlineData(50, 7)]
    [InlineData(1, 7)]
    public void A_second_of_batches_is_told_five_times_and_the_end_once_more_at_once(double fraction, int told)
    {
        var pace = new ReportPace(new ScheduleAttempt());
        var count = pace.IsDue(0, time) ? 1 : 0;
        for (var batch = 0; batch < 1000; batch++)
        {
            time.Advance(TimeSpan.FromMilliseconds(1));
            count += pace.IsDue(fraction, time) ? 1 : 0;
        }
        Assert.InRange(count, told - 1, told);
    }

    [Fact]
    public void The_end_does_not_wait()
    {
        var pace = new ReportPace(new ScheduleAttempt());
        Assert.True(pace.IsDue(0, time));
        Assert.False(pace.IsDue(0.9, time));
        Assert.True(pace.IsDue(1, time));
        Assert.False(pace.IsDue(1, time));
    }

    [Fact]
    public void Where_very_many_run_the_task_the_end_waits_too()
    {
        var pace = new ReportPace(new ScheduleAttempt { ReportSpreadSeconds = 10, Attempt = "r-1.1.worker.a.1" });
        Assert.True(pace.IsDue(0, time));
        Assert.False(pace.IsDue(1, time));
    }
}

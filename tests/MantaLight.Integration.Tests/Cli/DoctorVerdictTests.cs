using MantaLight.Cli.Doctor;

namespace MantaLight.Integration.Tests.Cli;

/// <summary>What the doctor makes of a machine that is not as it should be.</summary>
public sealed class DoctorVerdictTests
{
    [Theory]
    [InlineData(50, "problem")]
    [InlineData(500, "warning")]
    [InlineData(5000, "ok")]
    public void Little_space_is_told_before_a_round_needs_it(long mebibytes, string verdict) => Assert.Equal(verdict, Verdict(DiskCheck.Free(mebibytes << 20)));

    [Theory]
    [InlineData(99, "ok")]
    [InlineData(100, "warning")]
    public void A_disk_that_is_slow_to_flush_is_told(int milliseconds, string verdict) =>
        Assert.Equal(verdict, Verdict(DiskCheck.Flushed("state", TimeSpan.FromMilliseconds(milliseconds))));

    [Theory]
    [InlineData("2026-01-01", 0, "ok")]
    [InlineData("2026-01-01", 0.4, "ok")]
    [InlineData("2026-01-01", 0.6, "warning")]
    [InlineData("2026-01-01", -3600, "warning")]
    [InlineData("1970-01-01", 0, "problem")]
    public async Task A_clock_that_is_wrong_or_jumps_is_told(string date, double jumpSeconds, string verdict)
    {
        var time = new JumpingTime(DateTimeOffset.Parse($"{date}T12:00:00Z", System.Globalization.CultureInfo.InvariantCulture));
        var check = new ClockCheck(time);
        time.Pass(TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(jumpSeconds));
        var findings = new List<Finding>();
        await foreach (var finding in check.RunAsync(TestContext.Current.CancellationToken))
            findings.Add(finding);
        Assert.Equal(verdict, Verdict(Assert.Single(findings)));
    }

    private static string Verdict(Finding finding) => finding.Verdict.ToString().ToLowerInvariant();

    /// <summary>The wall clock jumps; time does not.</summary>
    private sealed class JumpingTime(DateTimeOffset wall) : TimeProvider
    {
        private long steady;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public void Pass(TimeSpan time, TimeSpan jump) => (wall, steady) = (wall + time + jump, steady + time.Ticks);

        public override DateTimeOffset GetUtcNow() => wall;

        public override long GetTimestamp() => steady;
    }
}

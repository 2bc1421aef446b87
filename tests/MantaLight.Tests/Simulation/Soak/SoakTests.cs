namespace MantaLight.Simulation;

/// <summary>A short soak; the simulation's runner has the long one.</summary>
[Collection(nameof(Alone))]
public sealed class SoakTests
{
    [Fact]
    public void A_swarm_whose_nodes_fail_every_minute_goes_on_gathers_nothing_and_leaves_a_tombstone_alone()
    {
        var outcome = Soak.Run(new SoakSettings { Duration = TimeSpan.FromMinutes(24), Nodes = 4, Worker = nameof(PatientWorker) }, _ => { });
        Assert.True(outcome.Violations.Count == 0, string.Join('\n', outcome.Violations));
        Assert.True(outcome.Samples.Sum(s => s.Rounds) > 80);
        Assert.Equal(23, outcome.Samples.Sum(s => s.Failures));
    }

    [Theory]
    [InlineData(nameof(SoakSample.Heap))]
    [InlineData(nameof(SoakSample.Files))]
    [InlineData(nameof(SoakSample.BrokerBytes))]
    [InlineData("")]
    public void What_grows_by_a_hundredth_every_hour_is_found_out(string growing)
    {
        double Grown(string what, int hour, double value) => what == growing ? value * (1 + (0.01 * hour)) : value;
        var samples = Enumerable.Range(1, 24).Select(hour => new SoakSample
        {
            At = TimeSpan.FromHours(hour), Rounds = 50, Terms = 3, Failures = 60, Real = TimeSpan.Zero, Messages = 30_000, Topics = 31,
            Heap = (long)Grown(nameof(SoakSample.Heap), hour, 20_000_000), Files = (int)Grown(nameof(SoakSample.Files), hour, 260),
            BrokerBytes = (long)Grown(nameof(SoakSample.BrokerBytes), hour, 41_000), DiskBytes = 950_000,
        }).ToArray();
        Assert.Equal(growing.Length == 0 ? 0 : 1, SoakVerdict.Of(samples).Count());
    }

    [Fact]
    public void An_hour_without_a_round_is_found_out()
    {
        var samples = Enumerable.Range(1, 24).Select(hour => new SoakSample
        {
            At = TimeSpan.FromHours(hour), Rounds = hour == 20 ? 0 : 50, Terms = 3, Failures = 60, Real = TimeSpan.Zero, Messages = 30_000, Topics = 31,
            Heap = 20_000_000, Files = 260, BrokerBytes = 41_000, DiskBytes = 950_000,
        }).ToArray();
        Assert.Contains("20.00 h", Assert.Single(SoakVerdict.Of(samples)), StringComparison.Ordinal);
    }
}

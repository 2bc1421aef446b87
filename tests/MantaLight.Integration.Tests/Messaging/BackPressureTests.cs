using MantaLight.Broker;
using MantaLight.Broker.Flow;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace MantaLight.Integration.Tests.Messaging;

/// <summary>Whose pace the embedded broker lets others go at, on a clock of the test's own.</summary>
public sealed class BackPressureTests
{
    private const int Chunk = 100_000;

    private readonly FakeTimeProvider time = new();
    private readonly List<string> evicted = [];
    private readonly BackPressure pressure;

    public BackPressureTests()
    {
        // Thirty seconds for two million bytes: 67 kB/s.
        var options = new EmbeddedBrokerOptions { MaximumPendingBytesPerClient = 2_000_000 };
        pressure = new BackPressure(options, new BrokerCounters(), time, NullLogger.Instance)
        {
            Evict = client =>
            {
                evicted.Add(client);
                pressure!.Forget(client);
                return Task.CompletedTask;
            },
        };
        pressure.Begin("reader");
        pressure.Subscribe("reader", "t/#");
    }

    [Theory]
    // A message taken every four seconds lets one more in every four seconds: nobody ever waits for the five.
    [InlineData(4000, true)]
    [InlineData(2000, true)]
    [InlineData(1000, false)]
    [InlineData(10, false)]
    public async Task Who_takes_a_little_now_and_then_does_not_hold_the_rest_to_its_pace(int milliseconds, bool isEvicted)
    {
        for (var bytes = 0; bytes <= 2_000_000; bytes += Chunk)
            await PublishAsync();
        for (var taken = TimeSpan.Zero; taken < TimeSpan.FromMinutes(1) && evicted.Count == 0; taken += TimeSpan.FromMilliseconds(milliseconds))
        {
            var publishing = PublishAsync();
            Assert.False(publishing.IsCompleted && evicted.Count == 0);
            time.Advance(TimeSpan.FromMilliseconds(milliseconds));
            if (evicted.Count == 0)
                pressure.Taken("reader", Chunk);
            await publishing.WaitAsync(TimeSpan.FromSeconds(30));
        }
        Assert.Equal(isEvicted ? ["reader"] : [], evicted);
    }

    [Fact]
    public async Task Who_takes_nothing_is_put_out_after_five_seconds_and_no_sooner()
    {
        for (var bytes = 0; bytes <= 2_000_000; bytes += Chunk)
            await PublishAsync();
        var publishing = PublishAsync();
        time.Advance(TimeSpan.FromSeconds(4.9));
        Assert.Equal((false, 0), (publishing.IsCompleted, evicted.Count));
        time.Advance(TimeSpan.FromSeconds(0.1));
        await publishing.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(["reader"], evicted);
    }

    [Fact]
    public async Task Who_was_behind_once_is_not_judged_by_the_time_when_nothing_waited()
    {
        for (var bytes = 0; bytes <= 2_000_000; bytes += Chunk)
            await PublishAsync();
        pressure.Taken("reader", 2_000_000);
        time.Advance(TimeSpan.FromHours(1));
        for (var bytes = 0; bytes < 2_000_000; bytes += Chunk)
            await PublishAsync();
        var publishing = PublishAsync();
        Assert.False(publishing.IsCompleted);
        pressure.Taken("reader", Chunk);
        await publishing;
        Assert.Empty(evicted);
    }

    [Fact]
    public async Task Nobody_waits_for_who_reads_what_is_retained_at_its_own_pace()
    {
        pressure.Enqueued("reader", 100_000_000, isReplay: true);
        // As many as may wait: they are behind the others.
        for (var i = 0; i < 20; i++)
        {
            Assert.True(PublishAsync().IsCompletedSuccessfully);
            time.Advance(TimeSpan.FromSeconds(10));
            pressure.Taken("reader", Chunk);
        }
        Assert.Empty(evicted);
        // When these are through, the published ones are taken.
        pressure.Taken("reader", 100_000_000 - (20 * Chunk));
        await PublishAsync();
        var held = PublishAsync();
        Assert.False(held.IsCompleted);
        pressure.Taken("reader", Chunk);
        await held;
    }

    [Fact]
    public async Task Others_topics_are_not_held()
    {
        for (var bytes = 0; bytes <= 2_000_000; bytes += Chunk)
            await PublishAsync();
        Assert.True(pressure.AdmitAsync("u/1", CancellationToken.None).IsCompletedSuccessfully);
    }

    /// <summary>As the broker does it: who publishes waits, and then it is queued.</summary>
    private async Task PublishAsync()
    {
        await pressure.AdmitAsync("t/1", CancellationToken.None);
        pressure.Enqueued("reader", Chunk, isReplay: false);
    }
}

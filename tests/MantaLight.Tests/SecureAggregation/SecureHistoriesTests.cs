using System.Globalization;
using MantaLight.SecureAggregation;

namespace MantaLight.Tests.SecureAggregation;

/// <summary>Whole rounds of 100 nodes, thirty of which are lost, spread over all steps. MANTALIGHT_SECURE_HISTORIES=1000 has all thousand.</summary>
public sealed class SecureHistoriesTests
{
    private static readonly FastAgreement Agreement = new();

    private static int Histories => int.Parse(Environment.GetEnvironmentVariable("MANTALIGHT_SECURE_HISTORIES") ?? "12", CultureInfo.InvariantCulture);

    [Fact]
    public async Task The_sum_of_the_survivors_is_exact_whoever_is_lost()
    {
        for (var seed = 0; seed < Histories; seed++)
        {
            var history = Create(seed, lost: 30);
            var sum = await history.RunAsync();
            Assert.True(history.Expected.AsSpan().SequenceEqual(sum), $"seed {seed}");
            // Lost at every step, so that those before it have masks to be taken away.
            Assert.InRange(history.Survivors.Length, 70, 99);
        }
    }

    private static SecureHistory Create(int seed, int lost)
    {
        var random = new Random(seed);
        var order = Enumerable.Range(0, 100).ToArray();
        random.Shuffle(order);
        var lostAt = new int[100];
        Array.Fill(lostAt, SecureHistory.Steps);
        foreach (var (turn, node) in order.Take(lost).Index())
            lostAt[node] = turn % SecureHistory.Steps;
        // Everybody with everybody, and graphs that are sparse; rings of all widths.
        var options = new SecureOptions { Bits = 16 << (seed % 3), Neighbours = seed % 4 == 0 ? 0 : 40, Threshold = seed % 4 == 0 ? 2.0 / 3 : 0.5 };
        return new SecureHistory(100, options, seed, i => lostAt[i], Agreement);
    }
}

using System.Runtime.InteropServices;
using MantaLight.Aggregation;
using MantaLight.Aggregation.Plans;
using MantaLight.Aggregation.Rules;
using MantaLight.Weights;
using MantaLight.Weights.Sources;
using static MantaLight.Tests.Aggregation.Models;

namespace MantaLight.Tests.Aggregation;

/// <summary>Models of several arrays and many blocks: against plain loops over whole vectors, and with one thread and with several.</summary>
public sealed class LargeRuleTests
{
    private const int First = 70_001, Second = 30_003, Contributors = 11;

    private static readonly float[][] Vectors = [.. Enumerable.Range(0, Contributors).Select(i => Draw(i, i == 3 ? 50 : 1))];

    private static readonly float[] Before = Draw(99, 0.1f);

    public static TheoryData<string> Rules =>
        ["mean", "median", "trimmed_mean b=2", "krum f=2", "multi_krum f=2 m=4", "bulyan f=2", "geometric_median", "centered_clip 30 iterations=2", "clip 40", "clip 40;median"];

    [Theory]
    [MemberData(nameof(Rules))]
    public void The_bits_are_the_same_with_any_number_of_threads(string rule)
    {
        var plan = AggregationPlan.Parse(rule.Split(';'));
        var one = Run(plan, threads: 1);
        foreach (var threads in new[] { 2, 5 })
            Assert.True(one.AsSpan().SequenceEqual(Run(plan, threads)), $"{threads} threads give other bits");
    }

    [Fact]
    public void Distances_are_those_of_the_whole_vectors()
    {
        using var sources = new Sources();
        var squares = Geometry.SquaredDistances(sources.All, 2, CancellationToken.None);
        for (var i = 0; i < Contributors; i++)
        {
            for (var j = 0; j < Contributors; j++)
                Assert.Equal(Square(i, j), squares[i, j], 1e-9 * Math.Max(1, Square(i, j)));
        }

        static double Square(int i, int j) => Vectors[i].Zip(Vectors[j], (a, b) => ((double)a - b) * ((double)a - b)).Sum();
    }

    [Fact]
    public void Clipping_goes_by_the_norm_of_the_whole_vector()
    {
        var result = Run(AggregationPlan.Parse("clip 40"), threads: 2);
        var scales = Vectors.Select(v => Math.Min(1, 40 / Math.Sqrt(v.Zip(Before, (x, w) => ((double)x - w) * ((double)x - w)).Sum()))).ToArray();
        Assert.Contains(scales, s => s < 1);
        for (var e = 0; e < First + Second; e += 997)
        {
            var expected = Before[e] + (Vectors.Select((v, i) => scales[i] * ((double)v[e] - Before[e])).Sum() / Contributors);
            Assert.Equal(expected, result[e], 1e-6);
        }
    }

    [Fact]
    public void Order_statistics_are_those_of_each_element()
    {
        var (median, trimmed) = (Run(AggregationPlan.Parse("median"), 2), Run(AggregationPlan.Parse("trimmed_mean b=2"), 2));
        for (var e = 0; e < First + Second; e += 991)
        {
            var column = Vectors.Select(v => (double)v[e]).Order().ToArray();
            Assert.Equal((float)column[5], median[e]);
            Assert.Equal(column[2..9].Average(), trimmed[e], 1e-6);
        }
    }

    [Fact]
    public void Krum_gives_the_chosen_one_to_the_bit()
    {
        NamedArrays Model(int i) => Of(Array("n", ArrayType.Int64, (1L << 60) + 1 + i), Floats("w", i == 4 ? 100 : i, -0f));
        var (result, _) = FileAggregation.Combine(AggregationPlan.Parse("krum f=1"), [.. Enumerable.Range(0, 5).Select(i => ($"{i}", Model(i)))], [1, 1, 1, 1, 1], null, CancellationToken.None);
        using (result)
            AssertIdentical(Model(1), result);
    }

    [Theory]
    [InlineData("bulyan f=536870912")]
    [InlineData("multi_krum f=1073741824")]
    [InlineData("trimmed_mean b=1073741824")]
    public void A_number_of_byzantine_ones_that_nobody_has_is_too_many(string rule) =>
        Assert.NotNull(AggregationPlan.Parse(rule).Rule.TooFew(Contributors));

    private static float[] Draw(int seed, float scale)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, First + Second).Select(_ => scale * ((float)random.NextDouble() - 0.5f))];
    }

    private static NamedArrays Model(float[] vector) => Of(Floats("a", vector[..First]), Floats("b", vector[First..]));

    private static float[] Run(AggregationPlan plan, int threads)
    {
        using var sources = new Sources();
        using var reference = WeightsSource.Of(Model(Before));
        using var weights = Combination.Run(plan, new RuleInput(sources.All, [.. Vectors.Select(_ => 1L)], reference, threads) { Clip = plan.Clip }, CancellationToken.None).Weights;
        return [.. MemoryMarshal.Cast<byte, float>(weights["a"].Data.Span), .. MemoryMarshal.Cast<byte, float>(weights["b"].Data.Span)];
    }

    private sealed class Sources : IDisposable
    {
        public WeightsSource[] All { get; } = System.Array.ConvertAll(Vectors, v => WeightsSource.Of(Model(v)));

        public void Dispose()
        {
            foreach (var source in All)
                source.Dispose();
        }
    }
}

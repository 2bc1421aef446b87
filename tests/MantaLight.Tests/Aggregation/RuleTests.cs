using System.Globalization;
using CsCheck;
using MantaLight.Aggregation;
using MantaLight.Aggregation.Plans;
using MantaLight.Weights;
using static MantaLight.Tests.Aggregation.Models;

namespace MantaLight.Tests.Aggregation;

/// <summary>Rules against values worked out by hand, and the properties that they have.</summary>
public sealed class RuleTests
{
    /// <summary>Those that keep near the honest ones whatever one of eleven says.</summary>
    public static TheoryData<string> Robust => ["median", "trimmed_mean 0.1", "trimmed_mean b=1", "krum f=1", "multi_krum f=1", "bulyan f=1", "geometric_median 60", "centered_clip 5 iterations=3"];

    [Theory]
    [InlineData("mean", "1 2 10", "4.3333335")]
    [InlineData("median", "1 10 2", "2")]
    [InlineData("median", "4 1 10 2", "3")]
    [InlineData("trimmed_mean 0.25", "4 1 10 2", "3")]
    [InlineData("trimmed_mean b=1", "4 1 10 2 -50", "2.3333333")]
    [InlineData("trimmed_mean 0.2", "4 1 10 2 -50", "2.3333333")]
    [InlineData("trimmed_mean 0", "4 1 10 2", "4.25")]
    // Scores of two nearest: 5, 2, 2, 5, and of 100 the most; of the two lowest the first.
    [InlineData("krum f=1", "0 1 2 3 100", "1")]
    [InlineData("krum f=1", "100 3 2 1 0", "2")]
    [InlineData("multi_krum f=1", "0 1 2 3 100", "1.5")]
    [InlineData("multi_krum f=1 m=1", "0 1 2 3 100", "1")]
    // Duplicates are nearest to each other.
    [InlineData("krum f=1", "7 0 7 3 7", "7")]
    // Chosen in turn: 2, 3, 1, 4, 0 (the rest has no neighbours left that count); nearest to their median 2 are 1, 2, 3.
    [InlineData("bulyan f=1", "0 1 2 3 4 5 1000", "2")]
    [InlineData("bulyan f=0", "0 3 9", "4")]
    public void A_rule_gives_what_it_gives_by_hand(string rule, string values, string expected)
    {
        var vectors = values.Split(' ').Select(v => new[] { Number(v) }).ToArray();
        Assert.Equal(Number(expected), Combine(rule, vectors).Result[0]);
    }

    [Fact]
    public void Krum_takes_the_whole_vector_and_says_who_is_left_out()
    {
        var (result, left) = Combine("krum f=1", [[0, 0], [1, 1], [1, 0], [0, 1], [50, -50]]);
        Assert.Equal([0, 0], result);
        Assert.Equal(["1", "2", "3", "4"], left.Select(l => l.Name));
        Assert.Contains("Krum score", left[3].Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void The_geometric_median_is_weiszfeld_s_from_the_weighted_mean()
    {
        double[][] points = [[0, 0], [4, 0], [0, 3], [8, 8]];
        double[] shares = [0.1, 0.2, 0.3, 0.4];
        var z = Blend(shares);
        for (var i = 0; i < 3; i++)
            z = Blend([.. points.Select((p, k) => shares[k] / Math.Max(1e-6, Math.Sqrt(Math.Pow(p[0] - z[0], 2) + Math.Pow(p[1] - z[1], 2))))]);
        var (result, _) = Combine("geometric_median", [.. points.Select(p => p.Select(v => (float)v).ToArray())], weights: [10, 20, 30, 40]);
        Assert.Equal(z[0], result[0], 1e-5);
        Assert.Equal(z[1], result[1], 1e-5);

        double[] Blend(double[] by) => [points.Select((p, k) => by[k] * p[0]).Sum() / by.Sum(), points.Select((p, k) => by[k] * p[1]).Sum() / by.Sum()];
    }

    [Fact]
    public void Clipping_shortens_the_whole_difference_and_then_the_mean_weighs_by_samples()
    {
        var (result, _) = Combine("clip 1.0;mean", [[4, 5], [1.6f, 1]], weights: [1, 3], reference: [1, 1]);
        // (3, 4) becomes (0.6, 0.8); (0.6, 0) stays.
        Assert.Equal(1.6f, result[0], 1e-6f);
        Assert.Equal(1.2f, result[1], 1e-6f);
    }

    [Fact]
    public void Centered_clipping_moves_by_the_mean_of_what_is_clipped()
    {
        var (once, _) = Combine("centered_clip 1", [[4, 5], [1.6f, 1.8f]], reference: [1, 1]);
        Assert.Equal(1.6f, once[0], 1e-6f);
        Assert.Equal(1.8f, once[1], 1e-6f);
        // From (1.6, 1.8) on: (2.4, 3.2) becomes (0.6, 0.8), nothing stays nothing; half of it is the way.
        var (twice, _) = Combine("centered_clip 1 iterations=2", [[4, 5], [1.6f, 1.8f]], reference: [1, 1]);
        Assert.Equal(1.9f, twice[0], 1e-6f);
        Assert.Equal(2.2f, twice[1], 1e-6f);
    }

    [Theory]
    [MemberData(nameof(Robust))]
    public void A_robust_rule_stays_near_the_honest_whatever_one_says_and_the_mean_does_not(string rule) => Gen.Select(
        Gen.Float[-1, 1].Array[3].Array[10], Gen.Int[0, 3].Select(i => new[] { 1e30f, -1e30f, 1e6f, -3e4f }[i])).Sample((honest, wild) =>
    {
        float[][] all = [.. honest.Take(4), [wild, -wild, wild], .. honest.Skip(4)];
        var (result, _) = Combine(rule, all, reference: [0, 0, 0]);
        Assert.All(result, v => Assert.InRange(v, -3f, 3f));
        var (bent, _) = Combine("mean", all);
        Assert.True(Math.Abs(bent[0]) > 1000);
    }, iter: 30);

    /// <summary>But Bulyan, whose last choices are among equal scores, and the first node's: a swarm has one order.</summary>
    public static TheoryData<string> WithoutOrder => [.. Robust.Select(r => r.Data).Where(r => !r.StartsWith("bulyan", StringComparison.Ordinal))];

    [Theory]
    [MemberData(nameof(WithoutOrder))]
    public void The_order_of_contributions_does_not_matter(string rule) => Gen.Select(
        Gen.Float[-1, 1].Array[3].Array[11], Gen.Int[0, 10]).Sample((vectors, by) =>
    {
        var (result, _) = Combine(rule, vectors, reference: [0, 0, 0]);
        var (turned, _) = Combine(rule, [.. vectors.Skip(by), .. vectors.Take(by)], reference: [0, 0, 0]);
        Assert.All(result.Zip(turned), p => Assert.Equal(p.First, p.Second, 1e-5f));
    }, iter: 30);

    [Theory]
    [MemberData(nameof(Robust))]
    public void Where_all_move_the_result_moves_with_them(string rule) => Gen.Int[-64, 64].Select(i => i / 64f).Array[3].Array[11].Sample(vectors =>
    {
        // So that they are moved without rounding: equal scores stay equal.
        var (result, _) = Combine(rule, vectors, reference: [0, 0, 0]);
        var (moved, _) = Combine(rule, [.. vectors.Select(v => v.Select(x => x + 4).ToArray())], reference: [4, 4, 4]);
        Assert.All(result.Zip(moved), p => Assert.Equal(p.First + 4, p.Second, 1e-4f));
    }, iter: 30);

    [Theory]
    [InlineData("krum f=1", 4, "needs at least 2f + 3 = 5 contributions, and there are 4")]
    [InlineData("multi_krum f=1 m=3", 5, "keeps 3 of 5, where n - f - 2 = 2 at most are safe")]
    [InlineData("bulyan f=1", 6, "needs at least 4f + 3 = 7 contributions, and there are 6")]
    [InlineData("trimmed_mean b=2", 4, "drops 2 at each end, which leaves none of 4")]
    public void Too_few_contributions_are_refused_with_how_many_it_takes(string rule, int count, string expected)
    {
        var refusal = Assert.Throws<InvalidSettingException>(() => Combine(rule, [.. Enumerable.Range(0, count).Select(i => new float[] { i })]));
        Assert.Contains(expected, refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("clip 1")]
    [InlineData("centered_clip 1")]
    public void What_starts_from_the_model_before_needs_it(string rule) =>
        Assert.Contains("starts from the model before", Assert.Throws<InvalidSettingException>(() => Combine(rule, [[1], [2]])).Message, StringComparison.Ordinal);

    [Fact]
    public void All_types_are_combined_each_in_its_own_way()
    {
        NamedArrays Model(float a, double b, Half c, long d, byte e) => Of(
            Array("a", ArrayType.Float32, a), Array("b", ArrayType.Float64, b), Array("c", ArrayType.Float16, c), Array("d", ArrayType.Int64, d), Array("e", ArrayType.Bool, e));
        var models = new[] { Model(1, 1, (Half)1, 1, 1), Model(2, 2, (Half)2, 2, 1), Model(9, 9, (Half)9, 5, 0), Model(3, 3, (Half)3, 4, 1) };
        var (result, _) = FileAggregation.Combine(AggregationPlan.Parse("median"), [.. models.Select((m, i) => ($"{i}", m))], [1, 1, 1, 1], null, CancellationToken.None);
        using (result)
            AssertIdentical(Model(2.5f, 2.5, (Half)2.5, 3, 1), result);
    }

    [Fact]
    public void A_model_of_another_layout_or_with_what_is_no_number_is_named()
    {
        var misfit = Assert.Throws<DatasetException>(() => Combine("mean", [[1, 2], [1]]));
        Assert.StartsWith("1 does not fit 0: Array 0", misfit.Message, StringComparison.Ordinal);
        var flaw = Assert.Throws<DatasetException>(() => Combine("mean", [[1], [float.NaN]]));
        Assert.Contains("1: Array 'w", flaw.Message, StringComparison.Ordinal);
    }

    private static float Number(string text) => float.Parse(text, CultureInfo.InvariantCulture);

    private static (float[] Result, IReadOnlyList<(string Name, string Reason)> Left) Combine(string rule, float[][] vectors, long[]? weights = null, float[]? reference = null)
    {
        var plan = AggregationPlan.Parse(rule.Split(';'));
        var before = reference is null ? null : Of(Floats("w", reference));
        var (result, left) = FileAggregation.Combine(
            plan, [.. vectors.Select((v, i) => (i.ToString(CultureInfo.InvariantCulture), Of(Floats("w", v))))], weights ?? [.. vectors.Select(_ => 1L)], before, CancellationToken.None);
        using (result)
            return (result["w"].Span<float>().ToArray(), left);
    }
}

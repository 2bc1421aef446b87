using MantaLight.Aggregation.Optimizers;
using MantaLight.Aggregation.Plans;
using MantaLight.Weights;
using static MantaLight.Tests.Aggregation.Models;

namespace MantaLight.Tests.Aggregation;

/// <summary>The server's optimizers against the papers' formulas, worked out step by step.</summary>
public sealed class ServerStepTests
{
    private static readonly double[] Changes = [0.5, -0.25, 0.125];

    [Fact]
    public void Momentum_adds_up()
    {
        // v = 0.5, 0.2, 0.305; w = η Σ v.
        var w = Run("momentum lr=0.1 beta=0.9");
        Assert.Equal(0.1 * 0.5, w[0], 1e-6);
        Assert.Equal(0.1 * (0.5 + 0.2), w[1], 1e-6);
        Assert.Equal(0.1 * (0.5 + 0.2 + 0.305), w[2], 1e-6);
    }

    [Fact]
    public void Nesterov_looks_ahead()
    {
        // 0.9 v + D: 0.95, -0.07, 0.3995.
        var w = Run("momentum lr=0.1 beta=0.9 nesterov=true");
        Assert.Equal(0.095, w[0], 1e-6);
        Assert.Equal(0.095 - 0.007, w[1], 1e-6);
        Assert.Equal(0.095 - 0.007 + 0.03995, w[2], 1e-6);
    }

    [Fact]
    public void Adagrad_sums_squares()
    {
        var w = Run("adagrad lr=0.1 tau=0.01");
        var (expected, v) = (0.0, 1e-4);
        for (var i = 0; i < Changes.Length; i++)
        {
            v += Changes[i] * Changes[i];
            expected += 0.1 * Changes[i] / (Math.Sqrt(v) + 0.01);
            Assert.Equal(expected, w[i], 1e-6);
        }
    }

    [Theory]
    [InlineData("adam lr=0.1 beta1=0.8 beta2=0.9 tau=0.01", false, 1e-4, false)]
    [InlineData("adam lr=0.1 beta1=0.8 beta2=0.9 tau=0.01 v0=0 bias_correction=true", false, 0, true)]
    [InlineData("yogi lr=0.1 beta1=0.8 beta2=0.9 tau=0.01", true, 1e-4, false)]
    public void Adam_and_yogi_are_algorithm_2(string part, bool isYogi, double first, bool isCorrected)
    {
        var w = Run(part);
        var (expected, m, v) = (0.0, 0.0, first);
        for (var i = 0; i < Changes.Length; i++)
        {
            var square = Changes[i] * Changes[i];
            m = 0.8 * m + 0.2 * Changes[i];
            if (!isYogi)
                v = 0.9 * v + 0.1 * square;
            else if (v > square)
                v -= 0.1 * square;
            else if (v < square)
                v += 0.1 * square;
            var (mHat, vHat) = isCorrected ? (m / (1 - Math.Pow(0.8, i + 1)), v / (1 - Math.Pow(0.9, i + 1))) : (m, v);
            expected += 0.1 * mHat / (Math.Sqrt(vHat) + 0.01);
            Assert.Equal(expected, w[i], 1e-6);
        }
    }

    [Fact]
    public void Integers_are_the_combined_ones_and_only_floats_are_remembered()
    {
        using var before = Of(Array("n", ArrayType.Int64, 5L), Floats("w", 1), Array("h", ArrayType.Float16, (Half)2));
        using var combined = Of(Array("n", ArrayType.Int64, 9L), Floats("w", 2), Array("h", ArrayType.Float16, (Half)3));
        var optimizer = AggregationPlan.Parse("momentum lr=0.5").Optimizer!;
        using var state = ServerStep.Begin(before, 0);
        using var next = new ServerStep(optimizer).Take(before, combined, [state], 1);
        AssertIdentical(Of(Array("n", ArrayType.Int64, 9L), Floats("w", 1.5f), Array("h", ArrayType.Float16, (Half)2.5)), next.Model);
        AssertIdentical(Of(Floats("w", 1), Floats("h", 1)), Assert.Single(next.State));
        Assert.Null(ServerStep.Misfit(before, next.State[0]));
        Assert.NotNull(ServerStep.Misfit(before, combined));
    }

    [Fact]
    public void A_model_longer_than_a_piece_is_stepped_over_to_its_end()
    {
        var values = Enumerable.Range(0, 20_001).Select(i => (float)i).ToArray();
        using var before = Of(Floats("w", values));
        using var combined = Of(Floats("w", [.. values.Select(v => v + 2)]));
        using var state = ServerStep.Begin(before, 0);
        using var next = new ServerStep(AggregationPlan.Parse("momentum lr=0.5").Optimizer!).Take(before, combined, [state], 1);
        AssertIdentical(Of(Floats("w", [.. values.Select(v => v + 1)])), next.Model);
    }

    [Fact]
    public void A_step_that_no_float_can_hold_is_refused_and_nothing_of_it_stays()
    {
        using var before = Of(Floats("w", 0));
        using var combined = Of(Floats("w", 1e26f));
        var optimizer = AggregationPlan.Parse("adam").Optimizer!;
        var refusal = Assert.Throws<TaskContractException>(() => new ServerStep(optimizer).Take(before, combined, [.. optimizer.State.Select(s => ServerStep.Begin(before, s.Initial))], 1));
        Assert.Contains("leaves what the elements of 'w' can hold", refusal.Message, StringComparison.Ordinal);
    }

    /// <summary>The weight after each of the changes, from 0 on.</summary>
    private static double[] Run(string part)
    {
        var optimizer = AggregationPlan.Parse(part).Optimizer!;
        var (w, all) = (0f, new List<double>());
        IReadOnlyList<NamedArrays> state = [.. optimizer.State.Select(s => ServerStep.Begin(Of(Floats("w", 0)), s.Initial))];
        for (var round = 1; round <= Changes.Length; round++)
        {
            var next = new ServerStep(optimizer).Take(Of(Floats("w", w)), Of(Floats("w", w + (float)Changes[round - 1])), state, round);
            (w, state) = (next.Model["w"].Span<float>()[0], next.State);
            all.Add(w);
        }
        return [.. all];
    }
}

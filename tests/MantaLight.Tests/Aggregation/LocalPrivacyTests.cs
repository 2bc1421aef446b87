using System.Text.Json;
using MantaLight.Aggregation.Perturbation;
using MantaLight.Privacy;
using MantaLight.Tasks;
using MantaLight.Weights;
using static MantaLight.Tests.Aggregation.Models;

namespace MantaLight.Tests.Aggregation;

/// <summary>Noise at the node, before anything leaves.</summary>
public sealed class LocalPrivacyTests
{
    [Fact]
    public void The_difference_is_shortened_and_gets_noise_of_its_norm()
    {
        // (30, 40) becomes (1.2, 1.6).
        var (mean, deviation) = Moments(["clip 2", "gaussian 0.5"], [30, 40]);
        Assert.Equal(1 + 1.2, mean[0], 0.05);
        Assert.Equal(1 + 1.6, mean[1], 0.05);
        Assert.All(deviation, d => Assert.Equal(1, d, 0.03));
    }

    [Fact]
    public void Laplaces_noise_has_its_scale_and_the_sum_of_sizes_its_own_norm()
    {
        // (30, 10) becomes (1.5, 0.5).
        var (mean, deviation) = Moments(["clip 2 norm=l1", "laplace b=0.3"], [30, 10]);
        Assert.Equal(1 + 1.5, mean[0], 0.05);
        Assert.Equal(1 + 0.5, mean[1], 0.05);
        Assert.All(deviation, d => Assert.Equal(0.3 * Math.Sqrt(2), d, 0.02));
    }

    [Fact]
    public void What_is_short_enough_stays_as_long_as_it_is()
    {
        var (mean, _) = Moments(["clip 10", "gaussian 0.01"], [3, 4]);
        Assert.Equal(4, mean[0], 0.05);
        Assert.Equal(5, mean[1], 0.05);
    }

    [Fact]
    public void Counters_stay_those_of_the_model_before()
    {
        using var sent = LocalPrivacy.Parse("clip 1", "gaussian 1").Apply(Of(Array("n", ArrayType.Int64, 7L), Floats("w", 0)), Of(Array("n", ArrayType.Int64, 9L), Floats("w", 5)), 1);
        Assert.Equal(7, sent["n"].Span<long>()[0]);
    }

    [Fact]
    public void Noise_of_the_seed_comes_again_and_secret_noise_does_not()
    {
        Assert.Equal(Sent("seed", 3), Sent("seed", 3));
        Assert.NotEqual(Sent("seed", 3), Sent("seed", 4));
        Assert.NotEqual(Sent("secret", 3), Sent("secret", 3));

        static byte[] Sent(string source, ulong seed)
        {
            using var sent = LocalPrivacy.Parse("clip 1", $"gaussian 1 noise_source={source}").Apply(Of(Floats("w", new float[10])), Of(Floats("w", new float[10])), seed);
            return sent["w"].Data.ToArray();
        }
    }

    [Fact]
    public void The_epsilon_of_gaussian_noise_is_that_of_any_two_data_sets_over_all_rounds()
    {
        var privacy = LocalPrivacy.Parse("clip 3", "gaussian 8 delta=1e-5");
        var ledger = Enumerable.Range(0, 10).Aggregate(PrivacyLedger.Empty, (spent, _) => privacy.Spend(spent, 1000));
        // Two contributions are up to 2C apart: μ = 2 √10 / 8, whatever C.
        Assert.Equal(AnalyticGaussian.Epsilon(2 * Math.Sqrt(10) / 8, 1e-5), privacy.EpsilonOf(ledger)!.Value, 1e-12);
        Assert.Equal(ledger.Entries, privacy.Spend(PrivacyLedger.Empty, 1000, rounds: 10).Entries);
    }

    [Fact]
    public void The_noise_for_an_epsilon_of_a_round_spends_that_epsilon()
    {
        var gaussian = LocalPrivacy.Parse("clip 3", "gaussian epsilon=2 delta=1e-6");
        Assert.Equal(2, gaussian.EpsilonOf(gaussian.Spend(PrivacyLedger.Empty, 1000))!.Value, 1e-9);
        var laplace = LocalPrivacy.Parse("clip 3 norm=l1", "laplace epsilon=2");
        Assert.Equal(4, laplace.EpsilonOf(laplace.Spend(PrivacyLedger.Empty, 1000, rounds: 2))!.Value, 1e-9);
        Assert.Equal("laplace b=3 delta=1E-05", laplace.Parts[1]);
    }

    [Fact]
    public void Laplaces_noise_without_a_norm_hides_nothing_and_with_the_usual_one_little()
    {
        var tutorial = LocalPrivacy.Parse("laplace b=0.01");
        Assert.Null(tutorial.EpsilonOf(tutorial.Spend(PrivacyLedger.Empty, 1000)));
        Assert.False(tutorial.IsPrivate);
        Assert.Contains("hides nothing", tutorial.Weakness, StringComparison.Ordinal);
        var clipped = LocalPrivacy.Parse("clip 0.5", "laplace b=0.1");
        Assert.Equal(2 * 0.5 * 100 / 0.1, clipped.EpsilonOf(clipped.Spend(PrivacyLedger.Empty, 10_000))!.Value, 1e-9);
        Assert.Contains("the root of their number", clipped.Weakness, StringComparison.Ordinal);
        Assert.Null(LocalPrivacy.Parse("clip 0.5 norm=l1", "laplace b=0.1").Weakness);
    }

    [Theory]
    [InlineData("""["clip 1.0", "gaussian 0.8"]""")]
    [InlineData("""["clip 1.0 norm=l1", { "part": "laplace", "b": 0.1, "budget": 3 }]""")]
    [InlineData("\"laplace b=0.01\"")]
    public void It_is_written_as_it_is_read(string json)
    {
        var read = TaskJson.Read<LocalPrivacy>(JsonElement.Parse(json), "test");
        Assert.Equal(read.Parts, TaskJson.Read<LocalPrivacy>(TaskJson.Write(read), "test").Parts);
    }

    [Theory]
    [InlineData("gaussian 1", "needs 'clip' before it")]
    [InlineData("clip 1", "needs noise")]
    [InlineData("clip 1;gaussian", "takes either")]
    [InlineData("clip 1;gaussian 1 epsilon=2", "takes either")]
    [InlineData("clip 1;laplace epsilon=2", "needs 'clip 1.0 norm=l1'")]
    [InlineData("clip 1 norm=l1;gaussian 1", "needs 'clip' before it")]
    [InlineData("gaussian 1;clip 1", "needs 'clip' before it")]
    [InlineData("clip 1;gausian 1", "did you mean 'gaussian'?")]
    [InlineData("clip 1;gaussian 1e-9", "not possible")]
    [InlineData("clip 1;gaussian 1 sigma=3", "has no option 'sigma'")]
    public void What_protects_nobody_is_refused(string parts, string expected) =>
        Assert.Contains(expected, Assert.Throws<InvalidSettingException>(() => LocalPrivacy.Parse(parts.Split(';'))).Message, StringComparison.Ordinal);

    [Fact]
    public void A_contribution_of_another_layout_is_refused() =>
        Assert.Throws<TaskContractException>(() => LocalPrivacy.Parse("clip 1", "gaussian 1").Apply(Of(Floats("w", 1)), Of(Floats("v", 1)), 1));

    // Of a seed, so that it is the same each time.
    private static (double[] Mean, double[] Deviation) Moments(string[] parts, float[] difference)
    {
        var privacy = LocalPrivacy.Parse([.. parts[..^1], $"{parts[^1]} noise_source=seed"]);
        var sent = new List<(double, double)>();
        for (var seed = 0UL; seed < 5000; seed++)
        {
            using var one = privacy.Apply(Of(Floats("w", 1, 1)), Of(Floats("w", 1 + difference[0], 1 + difference[1])), seed);
            sent.Add((one["w"].Span<float>()[0], one["w"].Span<float>()[1]));
        }
        double[] mean = [sent.Average(s => s.Item1), sent.Average(s => s.Item2)];
        return (mean, [Math.Sqrt(sent.Average(s => Math.Pow(s.Item1 - mean[0], 2))), Math.Sqrt(sent.Average(s => Math.Pow(s.Item2 - mean[1], 2)))]);
    }
}

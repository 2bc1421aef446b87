using System.Text.Json;
using MantaLight.Aggregation.Noise;
using MantaLight.Privacy;
using MantaLight.Tasks;
using MantaLight.Torch.Privacy;
using MantaLight.Torch.Tests.Support;
using MantaLight.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace MantaLight.Torch.Tests;

/// <summary>Differential privacy of a node's single samples.</summary>
public sealed class DpSgdTests(TinyData data) : IClassFixture<TinyData>
{
    private const string Seeded = """{ "batch_size": 20, "lr": 0.1, "dp_sgd": { "clip": 0.5, "noise": 1.2, "noise_source": "seed" } }""";

    [Fact]
    public async Task Noise_that_is_next_to_nothing_and_a_norm_that_clips_nothing_leave_the_gradient_of_all_samples()
    {
        // With a batch of all samples there is nothing to draw.
        const string Plain = """{ "batch_size": 200, "lr": 0.1 }""";
        var first = await InitialAsync();
        var plain = await TrainAsync(Plain, first);
        var other = await TrainAsync(Plain.Replace("}", """, "dp_sgd": { "clip": 1000, "noise": 0.01, "noise_source": "seed" } }""", StringComparison.Ordinal), first);
        // 1000 · 0.01 / 200 · 0.1 is the noise's deviation in the weights.
        Assert.Equal(0, Difference(plain, other).Average(), 5e-3);
        Assert.Equal(0.005, Math.Sqrt(Difference(plain, other).Average(d => d * d)), 1e-3);
    }

    [Fact]
    public async Task A_step_is_the_clipped_sum_with_noise_over_the_expected_size()
    {
        // By hand: one step over all samples, with a norm that clips most.
        var first = await InitialAsync();
        var done = await TrainAsync("""{ "batch_size": 200, "lr": 1, "dp_sgd": { "clip": 0.01, "noise": 0.01, "noise_source": "seed" } }""", first);
        using var model = new TinyModel();
        model.Load(first);
        var sums = new double[first.Count][];
        using (var loader = await LoaderAsync())
        using (var loss = nn.CrossEntropyLoss())
        {
            for (long i = 0; i < loader.Count; i++)
            {
                using var scope = NewDisposeScope();
                var batch = loader.Pick([i]);
                foreach (var parameter in model.parameters())
                    parameter.grad = null;
                loss.call(model.call(batch.Samples), batch.Targets).backward();
                var gradients = model.parameters().Select(p => p.grad!.data<float>().ToArray()).ToArray();
                var norm = Math.Sqrt(gradients.Sum(g => g.Sum(v => (double)v * v)));
                for (var p = 0; p < gradients.Length; p++)
                    sums[p] = [.. gradients[p].Select((v, at) => (sums[p]?[at] ?? 0) + (v * Math.Min(1, 0.01 / norm)))];
            }
        }
        foreach (var parameter in model.parameters())
            parameter.grad = null;
        var after = done.ResultWeights["model_params"].Weights;
        var apart = Enumerable.Range(0, first.Count).SelectMany(p => first[p].Span<float>().ToArray().Select((w, at) => w - (sums[p][at] / 200) - after[p].Span<float>()[at])).ToArray();
        // What is left is noise of 0.01 · 0.01 / 200.
        Assert.All(apart, d => Assert.InRange(d, -1e-5, 1e-5));
    }

    [Theory]
    [InlineData("perceptron", true)]
    [InlineData("convolution", true)]
    [InlineData("sequence", true)]
    [InlineData("dropout", true)]
    [InlineData("in place", true)]
    [InlineData("normalized", false)]
    [InlineData("twice", false)]
    [InlineData("mixing", false)]
    public void Samples_gradients_of_layers_are_those_of_one_sample_after_the_other(string name, bool isFast)
    {
        using var scope = NewDisposeScope();
        using var model = PrivateModels.Make(name);
        using var loader = new DataLoader(new TensorDataset(rand(24, 1, 8, 8), randint(0, 3, 24).to(ScalarType.Int64)), 24);
        using var loss = Losses.Create("CrossEntropyLoss");
        TorchSharp.Modules.Parameter[] parameters = [.. model.parameters()];
        var work = new SampleWork(model.call, loss.Compute, SampleGradients.SumOf(new Hyperparameters(), loss.Compute), IsOwn: true);
        using var found = SampleGradients.For(model, parameters, work, loader);
        Assert.Equal(isFast, found is LayerGradients);
        if (name == "dropout")
            model.eval();
        var batch = loader.Pick([.. Enumerable.Range(0, 24).Select(i => (long)i)]);
        Tensor[] fast = SampleGradients.Zeros(parameters), slow = SampleGradients.Zeros(parameters);
        double[] ofFast = found.AddTo(fast, batch, 0.3);
        using var single = new MicroBatches(parameters, work.Forward, work.LossOf);
        double[] ofSlow = single.AddTo(slow, batch, 0.3);
        Assert.Equal(24, ofFast.Count(n => n > 0.3));
        Assert.All(ofFast.Zip(ofSlow), n => Assert.Equal(n.Second, n.First, 1e-4 * n.Second));
        Assert.All(fast.Zip(slow), s => Assert.True(s.First.sub(s.Second).abs().max().ToDouble() < 1e-5 * 24));
    }

    [Theory]
    [InlineData("""{ "loss_params": { "weight": [1, 2, 3] } }""", false)]
    [InlineData("""{ "loss_params": { "ignore_index": 1 } }""", false)]
    [InlineData("""{ "loss": "HuberLoss", "loss_params": { "delta": 0.5 } }""", true)]
    [InlineData("""{ "loss": "CosineEmbeddingLoss" }""", false)]
    [InlineData("""{ "loss": "MSELoss", "loss_params": { "reduction": "sum" } }""", true)]
    public void A_loss_whose_mean_may_be_shared_among_samples_is_taken_one_by_one(string hyperparameters, bool isSeparable) =>
        Assert.Equal(isSeparable, SampleGradients.SumOf(TaskJson.Read<Hyperparameters>(JsonElement.Parse(hyperparameters), "test"), (output, _) => output) is not null);

    [Fact]
    public async Task A_model_that_mixes_samples_is_refused_with_the_reason()
    {
        using var model = new NormalizedModel();
        LeakGuardAttribute.ParametersMade(4 + 1); // BatchNorm's constructor leaves one to the finalizers
        using var weights = model.ToWeights();
        var attempt = data.Attempt(Seeded, weights);
        var refusal = await Assert.ThrowsAsync<TaskContractException>(() => attempt.RunAsync(new NormalizedWorker(model)));
        Assert.Contains("BatchNorm2d ('normalization')", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("mixes the samples", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_batch_is_as_large_as_expected_and_each_sample_is_in_as_many_as_another()
    {
        var draw = new SampleDraw(1000, 50);
        var (counts, sizes) = (new int[1000], new List<int>());
        for (var step = 0; step < 2000; step++)
        {
            var drawn = draw.Next(NoiseSource.OfSeed((ulong)step));
            Assert.Equal(drawn.Distinct().Order(), drawn);
            sizes.Add(drawn.Count);
            foreach (var sample in drawn)
                counts[sample]++;
        }
        // A binomial of 1,000 with 0.05.
        Assert.Equal(50, sizes.Average(), 0.5);
        Assert.Equal(Math.Sqrt(47.5), Math.Sqrt(sizes.Average(s => Math.Pow(s - sizes.Average(), 2))), 0.5);
        Assert.All(counts, c => Assert.InRange(c, 50, 150));
        Assert.NotEqual(draw.Next(NoiseSource.Secret), draw.Next(NoiseSource.Secret));
        Assert.Equal(10, new SampleDraw(10, 32).Next(NoiseSource.Secret).Count);
    }

    [Fact]
    public async Task What_a_seed_draws_comes_again_and_what_is_secret_does_not()
    {
        var first = await InitialAsync();
        Assert.Equal(Bits(await TrainAsync(Seeded, first)), Bits(await TrainAsync(Seeded, first)));
        Assert.NotEqual(Bits(await TrainAsync(Secret(), first)), Bits(await TrainAsync(Secret(), first)));
    }

    [Fact]
    public async Task Epsilon_is_told_and_the_loss_is_not()
    {
        var done = await TrainAsync(Secret(""", "epochs": 2"""), await InitialAsync());
        var metrics = done.Results["train_metrics"];
        // Twice ten steps with a probability of a tenth.
        Assert.Equal(new RdpAccountant().Epsilon(new SampledGaussian(0.1, 1.2), 20, 1e-5).Epsilon, metrics.GetProperty("epsilon").GetDouble(), 1e-6);
        Assert.Equal((1e-5, 1, 20), (metrics.GetProperty("delta").GetDouble(), metrics.GetProperty("private").GetInt32(), metrics.GetProperty("steps").GetInt32()));
        Assert.False(metrics.TryGetProperty("loss", out _));
        Assert.All(done.Progress, p => Assert.Null(p.Loss));
        Assert.Equal(0, (await TrainAsync(Seeded, await InitialAsync())).Results["train_metrics"].GetProperty("private").GetInt32());
    }

    [Fact]
    public async Task A_node_counts_from_round_to_round_and_sits_out_before_its_budget_is_exceeded()
    {
        var (weights, book, told) = (await InitialAsync(), PrivacyBook.InMemory(), new List<double>());
        for (var round = 1; round <= 10; round++)
        {
            var done = await TrainAsync(Secret("", """, "budget": 4"""), weights, book);
            told.Add(done.Results["train_metrics"].GetProperty("epsilon").GetDouble());
            if (done.ResultWeights.Count > 0)
                continue;
            Assert.Equal(1, done.Results["train_metrics"].GetProperty("budget_spent").GetInt32());
            Assert.Equal(told[^2], told[^1]);
            var rounds = told.Count - 1;
            Assert.InRange(rounds, 1, 9);
            Assert.InRange(told[^1], 0, 4);
            Assert.True(new RdpAccountant().Epsilon(new SampledGaussian(0.1, 1.2), 10 * (rounds + 1), 1e-5).Epsilon > 4);
            return;
        }
        Assert.Fail("It was never spent.");
    }

    [Fact]
    public async Task A_book_that_is_new_behind_a_checkpoint_counts_the_rounds_before()
    {
        var done = await TrainAsync(Secret(), await InitialAsync(), PrivacyBook.InMemory(roundsBefore: 4));
        Assert.Equal(new RdpAccountant().Epsilon(new SampledGaussian(0.1, 1.2), 50, 1e-5).Epsilon, done.Results["train_metrics"].GetProperty("epsilon").GetDouble(), 1e-6);
    }

    [Fact]
    public async Task It_learns()
    {
        var done = await TrainAsync("""{ "epochs": 20, "batch_size": 50, "lr": 0.5, "dp_sgd": { "clip": 1, "noise": 1, "noise_source": "seed" } }""", await InitialAsync());
        using var model = new TinyModel();
        var tested = await data.Attempt("{}", done.ResultWeights["model_params"].Weights).RunAsync(new TinyTest(model));
        Assert.True(tested.Results["test_metrics"].GetProperty("accuracy").GetDouble() > 0.9);
    }

    [Fact]
    public async Task A_contribution_leaves_with_noise_on_it()
    {
        var first = await InitialAsync();
        var done = await TrainAsync("""{ "batch_size": 20, "lr": 0.1, "local_privacy": ["clip 1.0", "gaussian 0.8"] }""", first);
        var metrics = done.Results["train_metrics"];
        Assert.Equal(AnalyticGaussian.Epsilon(2 / 0.8, 1e-5), metrics.GetProperty("local_epsilon").GetDouble(), 1e-6);
        Assert.Equal(1, metrics.GetProperty("local_private").GetInt32());
        Assert.False(metrics.TryGetProperty("loss", out _));
        Assert.All(done.Progress, p => Assert.Null(p.Loss));
        // What was learnt is no longer than 1, noise of 0.8 in each of a thousand places much longer.
        Assert.Equal(0.8, Math.Sqrt(done.ResultWeights["model_params"].Weights.Zip(first).SelectMany(p => p.First.Span<float>().ToArray().Zip(p.Second.Span<float>().ToArray(), (a, b) => Math.Pow(a - b, 2))).Average()), 0.06);
    }

    [Theory]
    [InlineData("""{ "dp_sgd": { "noise": 1 } }""", "clip")]
    [InlineData("""{ "dp_sgd": { "clip": 0, "noise": 1 } }""", "dp_sgd.clip is 0")]
    [InlineData("""{ "dp_sgd": { "clip": 1, "noise": 0 } }""", "dp_sgd.noise")]
    [InlineData("""{ "dp_sgd": { "clip": 1, "noise": 1, "accountant": "clt" } }""", "known are: rdp, pld")]
    [InlineData("""{ "dp_sgd": { "clip": 1, "noise": 1, "sigma": 1 } }""", "dp_sgd.sigma is not known")]
    [InlineData("""{ "optimizer": "LBFGS", "dp_sgd": { "clip": 1, "noise": 1 } }""", "not possible with LBFGS")]
    [InlineData("""{ "local_privacy": ["gaussian 1"] }""", "needs 'clip' before it")]
    public void What_protects_nobody_is_refused(string hyperparameters, string expected) => Assert.Contains(
        expected, Assert.Throws<TaskContractException>(() => TaskJson.Read<Hyperparameters>(JsonElement.Parse(hyperparameters), "test")).Message, StringComparison.Ordinal);

    private static string Secret(string more = "", string ofDp = "") =>
        $$"""{ "batch_size": 20, "lr": 0.1{{more}}, "dp_sgd": { "clip": 0.5, "noise": 1.2{{ofDp}} } }""";

    private async Task<MemoryAttempt> TrainAsync(string hyperparameters, NamedArrays weights, PrivacyBook? book = null)
    {
        using var model = new TinyModel();
        var attempt = data.Attempt(hyperparameters, weights);
        attempt.Book = book ?? PrivacyBook.InMemory();
        return await attempt.RunAsync(new TinyWorker(model));
    }

    private Task<DataLoader> LoaderAsync() => new MemoryAttempt { Datasets = data.Mapping }.Local().GetDataLoaderAsync("tiny", train: true, 16, seed: null, CancellationToken.None);

    private static double[] Difference(MemoryAttempt one, MemoryAttempt other) =>
        [.. one.ResultWeights["model_params"].Weights.Zip(other.ResultWeights["model_params"].Weights).SelectMany(p => p.First.Span<float>().ToArray().Zip(p.Second.Span<float>().ToArray(), (a, b) => (double)a - b))];

    private static string Bits(MemoryAttempt done) => string.Concat(done.ResultWeights["model_params"].Weights.Select(w => Convert.ToHexString(w.Data.Span)));

    private static async Task<NamedArrays> InitialAsync() =>
        (await new MemoryAttempt { Seed = 5 }.RunAsync(new TinyInitializer())).GlobalWeights["global_model_params"];

    private sealed class NormalizedWorker(NormalizedModel model) : TorchWorker<NormalizedModel>(model)
    {
        protected override string Dataset => "tiny";

        protected override Tensor Forward(Tensor samples) => base.Forward(samples.unsqueeze(1));
    }
}

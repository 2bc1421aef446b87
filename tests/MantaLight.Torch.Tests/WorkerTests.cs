using MantaLight.Tasks;
using MantaLight.Torch.Tests.Support;
using MantaLight.Weights;
using TorchSharp;

namespace MantaLight.Torch.Tests;

public sealed class WorkerTests(TinyData data) : IClassFixture<TinyData>
{
    private const string Plain = """{ "epochs": 2, "batch_size": 16, "optimizer_params": { "lr": 0.05, "momentum": 0.9 } }""";
    private const string Augmented = """{ "epochs": 2, "augmentation": { "rotation": 10, "shift": 1, "elastic_alpha": 5, "elastic_sigma": 2 } }""";

    [Fact]
    public async Task A_worker_learns_and_a_test_shows_it()
    {
        var first = await InitialAsync();

        var before = await TestAsync(first);
        var trained = await TrainAsync<TinyModel>("""{ "epochs": 20, "optimizer_params": { "lr": 0.1 } }""", first);
        var after = await TestAsync(trained.ResultWeights["model_params"].Weights);

        Assert.True(before.Accuracy < 0.9);
        Assert.True(after.Accuracy > 0.95);
        Assert.Equal((TinyData.TestCount, after.Correct / 60.0), ((int)after.Samples, after.Accuracy));
        Assert.Equal(TinyData.TrainCount, trained.ResultWeights["model_params"].Samples);
    }

    [Theory]
    [InlineData("1", 2)]
    [InlineData("1e-15", 0)]
    public async Task Who_does_not_take_part_adds_nothing(string participation, int results)
    {
        var done = await TrainAsync<TinyModel>(Plain.Replace("{ \"epochs\"", $"{{ \"participation\": {participation}, \"epochs\"", StringComparison.Ordinal), await InitialAsync());
        Assert.Equal(results, done.Results.Count + done.ResultWeights.Count);
    }

    [Fact]
    public async Task Metrics_and_progress_tell_what_was_done()
    {
        var done = await TrainAsync<TinyModel>(Plain, await InitialAsync());

        var metrics = done.Results["train_metrics"];
        Assert.Equal(TinyData.TrainCount, metrics.GetProperty("samples").GetInt64());
        Assert.Equal(0.05, metrics.GetProperty("learning_rate").GetDouble());
        Assert.True(metrics.GetProperty("seconds").GetDouble() > 0);
        Assert.Equal(2 * 13, done.Progress.Count);
        Assert.Equal(1, done.Progress[^1].Fraction);
        Assert.All(done.Progress, p => Assert.NotNull(p.Loss));
        Assert.Equal(metrics.GetProperty("loss").GetDouble(), Weighted(done.Progress.Skip(13)), 6);

        static double Weighted(IEnumerable<TaskProgress> epoch) =>
            epoch.Select((p, i) => p.Loss!.Value * Math.Min(16, TinyData.TrainCount - (16 * i))).Sum() / TinyData.TrainCount;
    }

    [Theory]
    [InlineData(typeof(TinyModel), Plain)]
    [InlineData(typeof(TinyModel), Augmented)]
    [InlineData(typeof(DropoutModel), Plain)]
    public async Task The_same_seed_gives_the_same_bits_and_another_one_others(Type model, string hyperparameters)
    {
        var first = await InitialAsync();

        var one = await BitsAsync(model, hyperparameters, first, seed: 7);
        torch.rand(5).Dispose(); // somebody else draws from the default generator
        var two = await BitsAsync(model, hyperparameters, first, seed: 7);
        var other = await BitsAsync(model, hyperparameters, first, seed: 8);

        Assert.Equal(one, two);
        Assert.NotEqual(one, other);
    }

    [Theory]
    [InlineData(typeof(TinyModel), Plain)]
    [InlineData(typeof(TinyModel), Augmented)]
    [InlineData(typeof(DropoutModel), Plain)]
    public async Task Attempts_side_by_side_give_the_bits_of_each_alone(Type model, string hyperparameters)
    {
        var first = await InitialAsync();
        ulong[] seeds = [1, 2, 3, 4];
        var alone = new List<string>();
        foreach (var seed in seeds)
            alone.Add(await BitsAsync(model, hyperparameters, first, seed));

        var together = await Task.WhenAll(seeds.Select(seed => Task.Run(() => BitsAsync(model, hyperparameters, first, seed))));

        Assert.Equal(alone, together);
    }

    [Theory]
    [InlineData("""{ "epochs": 8, "batch_size": 16, "optimizer_params": { "lr": 0.05, "momentum": 0.9 } }""")]
    [InlineData("""{ "epochs": 8, "batch_size": 16, "optimizer_params": { "lr": 0.05, "momentum": 0.9, "nesterov": true, "weight_decay": 0.01 } }""")]
    public async Task After_100_steps_a_worker_has_the_weights_of_a_loop_written_by_hand_bit_for_bit(string hyperparameters)
    {
        var weights = await InitialAsync();
        var read = TaskJson.Read<Hyperparameters>(System.Text.Json.JsonElement.Parse(hyperparameters), "test");
        using var model = new TinyModel();
        model.Load(weights);
        using (var loader = await new MemoryAttempt { Datasets = data.Mapping }.Local().GetDataLoaderAsync("tiny", train: true, 16, seed: 42, CancellationToken.None))
        using (var optimizer = Optimizers.Create("SGD", model.parameters(), read.OptimizerParams!))
        using (var loss = torch.nn.CrossEntropyLoss())
        {
            foreach (var batch in Enumerable.Range(0, 8).SelectMany(_ => loader.Epoch()))
            {
                using var scope = torch.NewDisposeScope();
                optimizer.zero_grad();
                loss.call(model.call(batch.Samples), batch.Targets).backward();
                optimizer.step();
            }
        }
        using var expected = model.ToWeights();

        var trained = await TrainAsync<TinyModel>(hyperparameters, weights);

        Assert.Equal(Bits(expected), Bits(trained.ResultWeights["model_params"].Weights));
        foreach (var parameter in model.parameters())
            parameter.grad = null;
    }

    [Fact]
    public async Task Many_rounds_leave_no_more_tensors_than_one()
    {
        var weights = await InitialAsync();
        using var model = new TinyModel();
        var counts = new List<long>();
        for (var round = 1; round <= 50; round++)
        {
            var done = await data.Attempt("""{ "epochs": 1, "optimizer": "Adam" }""", weights).RunAsync(new TinyWorker(model));
            weights = done.ResultWeights["model_params"].Weights;
            await data.Attempt("{}", weights).RunAsync(new TinyTest(model));
            counts.Add(LeakGuardAttribute.LiveTensors);
        }

        Assert.All(counts, c => Assert.Equal(counts[0], c));
    }

    [Fact]
    public async Task Cancelling_stops_before_the_next_batch()
    {
        using var source = new CancellationTokenSource();
        using var model = new TinyModel();
        var attempt = data.Attempt("""{ "epochs": 1000000 }""", await InitialAsync());
        var stop = new StopAfter(model, 5, source);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => attempt.RunAsync(stop, source.Token));

        Assert.Equal(5, attempt.Progress.Count);
        Assert.Empty(attempt.ResultWeights);
    }

    [Fact]
    public async Task A_loss_that_is_no_number_ends_the_attempt_with_the_batch_and_the_rate()
    {
        using var model = new TinyModel();
        var attempt = data.Attempt("""{ "epochs": 50, "loss": "MSELoss", "optimizer_params": { "lr": 1e18 } }""", await InitialAsync());

        var error = await Assert.ThrowsAsync<TrainingDivergedException>(() => attempt.RunAsync(new TinyWorker(model)));

        Assert.Contains("learning rate 1E+18", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Weights_of_another_model_are_refused()
    {
        using var model = new TinyModel();
        var foreign = new NamedArrays([new NamedArray("w", ArrayType.Float32, [1], new byte[4])]);

        await Assert.ThrowsAsync<IncompatibleWeightsException>(() => data.Attempt(Plain, foreign).RunAsync(new TinyWorker(model)));
    }

    [Fact]
    public async Task A_cosine_goes_on_from_round_to_round()
    {
        const string Cosine = """{ "optimizer_params": { "lr": 0.1 }, "lr_schedule": { "type": "cosine", "final_lr": 0.001 } }""";
        var rates = new List<double>();
        foreach (var round in new[] { 1, 2, 4 })
        {
            using var model = new TinyModel();
            var attempt = new MemoryAttempt { Round = round, MaximumRounds = 4, Datasets = data.Mapping }
                .With("hyperparameters", Cosine).With("global_model_params", await InitialAsync());
            rates.Add((await attempt.RunAsync(new TinyWorker(model))).Results["train_metrics"].GetProperty("learning_rate").GetDouble());
        }

        Assert.InRange(rates[0], 0.08, 0.1);
        Assert.InRange(rates[1], 0.05, 0.07);
        Assert.InRange(rates[2], 0.001, 0.003);
    }

    [Theory]
    [InlineData("default")]
    [InlineData("he")]
    [InlineData("he_uniform")]
    public async Task First_weights_are_a_function_of_the_seed(string initialization)
    {
        var json = $$"""{ "initialization": "{{initialization}}" }""";
        async Task<NamedArrays> Initial(ulong seed) =>
            (await new MemoryAttempt { Seed = seed }.With("hyperparameters", json).RunAsync(new TinyInitializer())).GlobalWeights["global_model_params"];

        var one = await Initial(1);
        torch.rand(3).Dispose();

        Assert.Equal(Bits(one), Bits(await Initial(1)));
        Assert.NotEqual(Bits(one), Bits(await Initial(2)));
        if (initialization == "default")
            return;
        var values = one["hidden.weight"].Span<float>().ToArray();
        Assert.Equal(2.0 / 64, values.Select(v => (double)v * v).Average(), 0.004);
        Assert.All(one["hidden.bias"].Span<float>().ToArray(), v => Assert.Equal(0, v));
    }

    private async Task<TestMetrics> TestAsync(NamedArrays weights)
    {
        using var model = new TinyModel();
        var done = await data.Attempt("{}", weights).RunAsync(new TinyTest(model));
        return TaskJson.Read<TestMetrics>(done.Results["test_metrics"], "test_metrics");
    }

    private Task<MemoryAttempt> TrainAsync<TModel>(string hyperparameters, NamedArrays weights, ulong seed = 42)
        where TModel : TinyModel, new() => TrainAsync(typeof(TModel), hyperparameters, weights, seed);

    private async Task<MemoryAttempt> TrainAsync(Type type, string hyperparameters, NamedArrays weights, ulong seed)
    {
        TinyModel model;
        using (await AttemptContext.ProcessGate.EnterAsync(CancellationToken.None)) // as the node does: constructors draw from the default generator
            model = (TinyModel)Activator.CreateInstance(type)!;
        using (model)
            return await data.Attempt(hyperparameters, weights, seed).RunAsync(new TinyWorker(model));
    }

    private async Task<string> BitsAsync(Type type, string hyperparameters, NamedArrays weights, ulong seed) =>
        Bits((await TrainAsync(type, hyperparameters, weights, seed)).ResultWeights["model_params"].Weights);

    private static string Bits(NamedArrays weights) => string.Concat(weights.Select(w => Convert.ToHexString(w.Data.Span)));

    private static async Task<NamedArrays> InitialAsync() =>
        (await new MemoryAttempt { Seed = 5 }.RunAsync(new TinyInitializer())).GlobalWeights["global_model_params"];

    private sealed class StopAfter(TinyModel model, int batches, CancellationTokenSource source) : TorchWorker<TinyModel>(model)
    {
        private int seen;

        protected override string Dataset => "tiny";

        protected override torch.Tensor Forward(torch.Tensor samples)
        {
            if (++seen == batches)
                source.Cancel();
            return base.Forward(samples);
        }
    }
}

using MantaLight.Tasks;
using MantaLight.Torch.Tests.Support;
using MantaLight.Torch.Training;
using MantaLight.Weights;

namespace MantaLight.Torch.Tests;

/// <summary>A worker with a script.</summary>
public sealed class ScriptedWorker(TinyModel model, string script) : TorchWorker<TinyModel>(model)
{
    protected override string Dataset => "tiny";

    protected override string? Script => script;

    // Only a script trains it.
    protected override TorchSharp.torch.Tensor Forward(TorchSharp.torch.Tensor samples) => throw new NotSupportedException();
}

public sealed class LossScriptTests(TinyData data) : IClassFixture<TinyData>
{
    // 8 epochs of 13 steps: 104, the last of each with half a batch.
    private const string Momentum = """{ "epochs": 8, "batch_size": 16, "optimizer_params": { "lr": 0.05, "momentum": 0.9 } }""";
    private const string Schedule = """{ "epochs": 8, "batch_size": 16, "lr_schedule": { "type": "cosine" }, "optimizer_params": { "lr": 0.05 } }""";
    private const string Decay = """{ "epochs": 8, "batch_size": 16, "optimizer_params": { "lr": 0.05, "momentum": 0.9, "weight_decay": 0.01 } }""";
    private const string Adam = """{ "epochs": 8, "batch_size": 16, "optimizer": "Adam" }""";

    [Theory]
    [InlineData(Scripts.Loss, Momentum)]
    [InlineData(Scripts.Loss, Schedule)]
    [InlineData(Scripts.Loss, Adam)]
    [InlineData(Scripts.Loss + Scripts.Step, Decay)]
    [InlineData(Scripts.Loss + Scripts.Step, Adam)]
    public Task After_100_steps_a_scripts_loss_has_the_modules_weights_bit_for_bit(string script, string hyperparameters) =>
        AssertTwinsAsync(script, hyperparameters, tolerance: 0);

    // The momentum is added within the matrix product.
    [Theory]
    [InlineData(Scripts.Step, Momentum)]
    [InlineData(Scripts.Step, Schedule)]
    [InlineData(Scripts.Step, Momentum, 2)]
    [InlineData(Scripts.Step, Schedule, 2)]
    [InlineData(Scripts.Loss + Scripts.Step, Momentum)]
    public Task After_100_steps_a_scripts_own_step_has_the_modules_weights_within_two_millionths(string script, string hyperparameters, int threads = 1) =>
        AssertTwinsAsync(script, hyperparameters, tolerance: 2e-6f, threads);

    private async Task AssertTwinsAsync(string script, string hyperparameters, float tolerance, int threads = 1)
    {
        using var first = new TinyModel();
        using var weights = first.ToWeights();
        using var plain = new TinyModel();
        var expected = await data.Attempt(hyperparameters, weights, threads: threads).RunAsync(new TinyWorker(plain));

        var actual = await TrainAsync(script, hyperparameters, weights, threads);

        foreach (var (a, b) in expected.ResultWeights["model_params"].Weights.Zip(actual.ResultWeights["model_params"].Weights))
            Assert.All(a.Span<float>().ToArray().Zip(b.Span<float>().ToArray()), pair => Assert.InRange(pair.First - pair.Second, -tolerance, tolerance));
        Assert.Equal(expected.Results["train_metrics"].GetProperty("loss").GetDouble(), actual.Results["train_metrics"].GetProperty("loss").GetDouble(), 5);
        Assert.NotEqual(weights[0].Data.ToArray(), actual.ResultWeights["model_params"].Weights[0].Data.ToArray());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Of_a_script_that_defines_both_the_step_is_taken_with_any_number_of_threads(int threads)
    {
        using var first = new TinyModel();
        using var weights = first.ToWeights();

        var step = Bits(await TrainAsync(Scripts.Step, Momentum, weights, threads));

        Assert.Equal(step, Bits(await TrainAsync(Scripts.Loss + Scripts.Step, Momentum, weights, threads)));
        Assert.NotEqual(step, Bits(await TrainAsync(Scripts.Loss, Momentum, weights, threads)));
    }

    [Theory]
    [InlineData(Scripts.Loss)]
    [InlineData(Scripts.Step)]
    public async Task The_first_attempt_of_a_script_has_the_bits_of_the_later_ones(string script)
    {
        using var first = new TinyModel();
        using var weights = first.ToWeights();
        // Another text is another script, which nobody has run yet.
        script = $"# {Guid.NewGuid()}\n{script}";

        var bits = new List<string>();
        for (var i = 0; i < 4; i++)
            bits.Add(Bits(await TrainAsync(script, Momentum, weights)));

        Assert.Single(bits.Distinct());
    }

    [Theory]
    [InlineData("def loss(samples: Tensor, targets: Tensor, parameters: List[Tensor]) -> Tensor:\n    return (samples", "does not compile: ")]
    [InlineData("def loss(samples: Tensor, targets: Tensor, parameters: List[Tensor]) -> Tensor:\n    return parameters[7]", "failed: ")]
    [InlineData("def loss(samples, targets, parameters) -> nonsense", "defines neither 'def loss(")]
    [InlineData("def loss(samples: Tensor, targets: Tensor) -> Tensor:\n    return samples", "defines neither 'def loss(")]
    [InlineData("def other(samples: Tensor) -> Tensor:\n    return samples", "defines neither 'def loss(")]
    public async Task What_is_wrong_with_a_script_is_told(string script, string message)
    {
        using var model = new TinyModel();
        using var weights = model.ToWeights();

        var refusal = await Assert.ThrowsAsync<TaskContractException>(() => TrainAsync(script, "{}", weights));

        Assert.StartsWith("The worker's script " + message, refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_script_that_failed_while_it_was_warmed_up_is_no_warmer()
    {
        var script = LossScript.Of("def loss(samples: Tensor, targets: Tensor, parameters: List[Tensor]) -> Tensor:\n    return parameters[11]\n");
        using var model = new TinyModel();
        using var loader = new DataLoader(new TensorDataset(TorchSharp.torch.zeros(8, 8, 8), TorchSharp.torch.zeros(8, TorchSharp.torch.int64)), 4, seed: 1);

        Assert.Throws<TaskContractException>(() => script.WarmUp(loader, [.. model.parameters()]));

        Assert.Throws<TaskContractException>(() => script.WarmUp(loader, [.. model.parameters()]));
    }

    [Fact]
    public void Scripts_are_compiled_once_but_only_those_used_last_are_kept()
    {
        static LossScript Of(int i) => LossScript.Of($"# kept {i}\n{Scripts.Loss}");
        var (first, second) = (Of(0), Of(1));
        for (var i = 2; i <= LossScript.Kept; i++)
        {
            Of(i);
            Assert.Same(first, Of(0));
        }
        Assert.NotSame(second, Of(1));
    }

    [Theory]
    [InlineData(Adam)]
    [InlineData(Decay)]
    [InlineData(Adam, 2)]
    [InlineData(Decay, 2)]
    public async Task A_step_alone_is_refused_where_the_optimizer_is_more_than_a_rate_and_a_momentum(string hyperparameters, int threads = 1)
    {
        using var model = new TinyModel();
        using var weights = model.ToWeights();

        var refusal = await Assert.ThrowsAsync<TaskContractException>(() => TrainAsync(Scripts.Step, hyperparameters, weights, threads));

        Assert.Contains("define 'loss'", refusal.Message, StringComparison.Ordinal);
    }

    private static string Bits(MemoryAttempt attempt) => string.Concat(attempt.ResultWeights["model_params"].Weights.Select(w => Convert.ToHexString(w.Data.Span)));

    private async Task<MemoryAttempt> TrainAsync(string script, string hyperparameters, NamedArrays weights, int threads = 1)
    {
        using var model = new TinyModel();
        return await data.Attempt(hyperparameters, weights, threads: threads).RunAsync(new ScriptedWorker(model, script));
    }
}

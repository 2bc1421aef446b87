using MantaLight.Tasks;
using MantaLight.Torch.Tests.Support;

namespace MantaLight.Torch.Tests;

/// <summary>A worker with forward and loss in TorchScript.</summary>
public sealed class ScriptedWorker(TinyModel model) : TorchWorker<TinyModel>(model)
{
    protected override string Dataset => "tiny";

    protected override string? Script => """
        def loss(samples: Tensor, targets: Tensor, parameters: List[Tensor]) -> Tensor:
            hidden = torch.relu(torch.addmm(parameters[1], samples.flatten(1), parameters[0].t()))
            return torch.nll_loss(torch.log_softmax(torch.addmm(parameters[3], hidden, parameters[2].t()), 1), targets)
        """;
}

/// <summary>A worker whose script is none.</summary>
public sealed class BrokenScriptWorker(TinyModel model) : TorchWorker<TinyModel>(model)
{
    protected override string Dataset => "tiny";

    protected override string? Script => "def loss(samples, targets, parameters) -> nonsense";
}

public class LossScriptTests
{
    [Fact]
    public async Task A_script_trains_as_the_module_does()
    {
        await using var data = new TinyData();
        await data.InitializeAsync();
        using var first = new TinyModel();
        using var weights = first.ToWeights();
        const string hyperparameters = """{ "epochs": 20, "batch_size": 4, "optimizer_params": { "lr": 0.05, "momentum": 0.9 } }""";
        using var plain = new TinyModel();
        using var scripted = new TinyModel();
        var one = await data.Attempt(hyperparameters, weights).RunAsync(new TinyWorker(plain));
        var other = await data.Attempt(hyperparameters, weights).RunAsync(new ScriptedWorker(scripted));
        foreach (var (a, b) in one.ResultWeights["model_params"].Weights.Zip(other.ResultWeights["model_params"].Weights))
            Assert.All(a.Span<float>().ToArray().Zip(b.Span<float>().ToArray()), pair => Assert.Equal(pair.First, pair.Second, 1e-5f));
        // It has learnt something.
        Assert.NotEqual(weights[0].Data.ToArray(), one.ResultWeights["model_params"].Weights[0].Data.ToArray());
    }

    [Fact]
    public async Task What_does_not_compile_is_told_with_torchs_words()
    {
        await using var data = new TinyData();
        await data.InitializeAsync();
        using var model = new TinyModel();
        using var weights = model.ToWeights();
        var refusal = await Assert.ThrowsAsync<TaskContractException>(() => data.Attempt("{}", weights).RunAsync(new BrokenScriptWorker(model)));
        Assert.StartsWith("The worker's script does not compile: ", refusal.Message, StringComparison.Ordinal);
    }
}

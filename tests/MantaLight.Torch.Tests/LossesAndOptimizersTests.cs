using System.Globalization;
using MantaLight.Tasks;
using MantaLight.Torch.Tests.Support;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MantaLight.Torch.Tests;

public class LossesAndOptimizersTests
{
    public static TheoryData<string> OptimizerNames => [.. Optimizers.Names];

    public static TheoryData<string> LossNames => [.. Losses.Names];

    [Fact]
    public void All_that_PyTorch_users_know_are_there()
    {
        Assert.Equal(
            ["ASGD", "Adadelta", "Adagrad", "Adam", "AdamW", "Adamax", "LBFGS", "NAdam", "RAdam", "RMSprop", "Rprop", "SGD"], Optimizers.Names);
        Assert.Equal(
            [
                "BCELoss", "BCEWithLogitsLoss", "CTCLoss", "CosineEmbeddingLoss", "CrossEntropyLoss", "GaussianNLLLoss", "HingeEmbeddingLoss", "HuberLoss",
                "KLDivLoss", "L1Loss", "MSELoss", "MarginRankingLoss", "MultiLabelMarginLoss", "MultiLabelSoftMarginLoss", "MultiMarginLoss", "NLLLoss",
                "PoissonNLLLoss", "SmoothL1Loss", "SoftMarginLoss", "TripletMarginLoss", "TripletMarginWithDistanceLoss",
            ],
            Losses.Names);
    }

    [Theory]
    [MemberData(nameof(OptimizerNames))]
    public async Task Every_optimizer_trains(string name)
    {
        await using var data = new TinyData();
        await data.InitializeAsync();
        using var model = new TinyModel();
        using var first = model.ToWeights();

        var result = await data.Attempt(string.Create(CultureInfo.InvariantCulture, $$"""{ "epochs": 3, "optimizer": "{{name}}" }"""), first).RunAsync(new TinyWorker(model));

        var trained = result.ResultWeights["model_params"].Weights;
        Assert.NotEqual(result.GlobalWeights["global_model_params"][0].Data.ToArray(), trained[0].Data.ToArray());
        Assert.InRange(result.Results["train_metrics"].GetProperty("loss").GetDouble(), 0, 2);
    }

    [Theory]
    [MemberData(nameof(OptimizerNames))]
    public void Every_parameter_of_every_optimizer_can_be_given_by_name(string name)
    {
        using var scope = NewDisposeScope();
        using var model = new TinyModel();
        var values = Optimizers.ParametersOf(name).ToDictionary(p => p, p => TaskJson.Write(ValueOf(p)));

        using var optimizer = Optimizers.Create(name, model.parameters(), values);

        Assert.Contains("lr", values.Keys);
        if (optimizer is not LBFGS)
            Assert.Equal(0.25, optimizer.ParamGroups.First().LearningRate);
    }

    [Fact]
    public void Pairs_are_given_as_in_PyTorch()
    {
        using var scope = NewDisposeScope();
        using var model = new TinyModel();
        using var optimizer = Optimizers.Create("Adam", model.parameters(), TinyData.Json("""{ "betas": [0.7, 0.8] }"""));

        Assert.Equal((0.7, 0.8), ((optim.IBetas)optimizer.ParamGroups.First()).Betas);
    }

    [Theory]
    [MemberData(nameof(LossNames))]
    public void Every_loss_can_be_made_and_computed_or_says_what_it_lacks(string name)
    {
        TorchRuntime.EnsureLoaded();
        using var scope = NewDisposeScope();
        using var loss = Losses.Create(name);
        using var generator = new Generator(3);
        var scores = empty(6, 3).uniform_(0.1, 0.9, generator).requires_grad_(true);
        var output = name is "NLLLoss" or "KLDivLoss" ? nn.functional.log_softmax(scores, 1) : scores;
        var classes = tensor([0L, 1, 2, 2, 1, 0]);

        if (loss.Module is not nn.Module<Tensor, Tensor, Tensor>)
        {
            var error = Assert.Throws<TaskContractException>(() => loss.Compute(output, classes));
            Assert.Contains("override", error.Message, StringComparison.Ordinal);
            return;
        }
        var value = loss.Compute(output, classes);
        value.backward();

        Assert.Equal(0, value.dim());
        Assert.True(double.IsFinite(value.ToDouble()));
        Assert.True(scores.grad!.abs().sum().ToDouble() > 0);
    }

    [Fact]
    public void Class_numbers_become_one_hot_rows_for_losses_of_values()
    {
        TorchRuntime.EnsureLoaded();
        using var scope = NewDisposeScope();
        using var loss = Losses.Create("MSELoss", TinyData.Json("""{ "reduction": "sum" }"""));

        Assert.Equal(2, loss.Compute(zeros(2, 3), tensor([0L, 2])).ToDouble());
        Assert.Equal(5, loss.Compute(zeros(2), tensor([1L, 2])).ToDouble());
        Assert.Equal(5, loss.Compute(zeros(2, 1), tensor([1L, 2])).ToDouble());
    }

    [Fact]
    public void A_loss_takes_class_weights_as_a_list()
    {
        TorchRuntime.EnsureLoaded();
        using var scope = NewDisposeScope();
        using var plain = Losses.Create("CrossEntropyLoss");
        using var weighted = Losses.Create("CrossEntropyLoss", TinyData.Json("""{ "weight": [1, 0, 0] }"""));
        var output = tensor([1f, 2, 3, 1, 1, 5], [2, 3]);
        var first = output.narrow(0, 0, 1);

        var expected = plain.Compute(first, tensor([0L])).ToDouble();

        Assert.Equal(expected, weighted.Compute(output, tensor([0L, 2])).ToDouble(), 5);
    }

    private static object ValueOf(string parameter) => parameter switch
    {
        "lr" => 0.25,
        "amsgrad" or "centered" or "maximize" or "nesterov" => false,
        "max_iter" or "max_eval" or "history_size" => 5,
        "etaplus" or "max_step" => 2.5,
        "dampening" or "lr_decay" or "initial_accumulator_value" => 0.0,
        _ => 0.5,
    };
}

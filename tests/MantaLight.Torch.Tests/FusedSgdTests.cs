using MantaLight.Torch.Tests.Support;
using MantaLight.Torch.Training;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MantaLight.Torch.Tests;

/// <summary>The fused step is the plain one's twin.</summary>
public class FusedSgdTests
{
    [Theory]
    [InlineData("""{ "lr": 0.1 }""")]
    [InlineData("""{ "lr": 0.05, "momentum": 0.9 }""")]
    [InlineData("""{ "lr": 0.05, "momentum": 0.9, "weight_decay": 0.01 }""")]
    [InlineData("""{ "lr": 0.05, "momentum": 0.9, "dampening": 0.3 }""")]
    [InlineData("""{ "lr": 0.05, "momentum": 0.9, "nesterov": true, "weight_decay": 0.001 }""")]
    public void After_100_steps_the_weights_are_those_of_the_plain_optimizer_bit_for_bit(string options)
    {
        TorchRuntime.EnsureLoaded();
        using var scope = NewDisposeScope();
        var values = TinyData.Json(options);
        var (plain, fused) = (Parameters(), Parameters());
        using var optimizer = Optimizers.Create("SGD", plain, values);
        using var step = ParameterStep.For(new Hyperparameters { OptimizerParams = values }, fused);
        Assert.IsType<FusedSgd>(step);
        for (var i = 0; i < 100; i++)
        {
            using var one = NewDisposeScope();
            using var generator = new Generator((ulong)i);
            for (var j = 0; j < plain.Length; j++)
            {
                var gradient = empty(plain[j].shape).uniform_(-1, 1, generator);
                plain[j].grad = gradient;
                fused[j].grad = gradient.clone();
            }
            optimizer.step();
            step.Step();
        }
        Assert.All(plain.Zip(fused), pair => Assert.True(pair.First.bytes.SequenceEqual(pair.Second.bytes)));
        foreach (var parameter in plain.Concat(fused))
            parameter.grad = null;
    }

    [Fact]
    public void What_is_not_for_it_is_left_to_the_plain_optimizer()
    {
        TorchRuntime.EnsureLoaded();
        using var scope = NewDisposeScope();
        using var maximizing = ParameterStep.For(new Hyperparameters { OptimizerParams = TinyData.Json("""{ "maximize": true }""") }, Parameters());
        using var adam = ParameterStep.For(new Hyperparameters { Optimizer = "Adam" }, Parameters());
        Assert.IsNotType<FusedSgd>(maximizing);
        Assert.IsNotType<FusedSgd>(adam);
    }

    // 13 and 5 x 7: with a rest beyond the vectors, and shorter than one.
    private static Parameter[] Parameters()
    {
        using var generator = new Generator(99);
        Parameter[] parameters = [new(empty(13, 41).uniform_(-1, 1, generator)), new(empty(5).uniform_(-1, 1, generator)), new(empty(64).uniform_(-1, 1, generator))];
        LeakGuardAttribute.ParametersMade(parameters.Length);
        return parameters;
    }
}

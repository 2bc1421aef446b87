using MantaLight.Torch.Tests.Support;
using MantaLight.Torch.Training;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MantaLight.Torch.Tests;

/// <summary>The fused steps are the plain ones' twins.</summary>
public class FusedStepTests
{
    [Theory]
    [InlineData("SGD", """{ "lr": 0.1 }""")]
    [InlineData("SGD", """{ "lr": 0.05, "momentum": 0.9 }""")]
    [InlineData("SGD", """{ "lr": 0.05, "weight_decay": 0.01 }""")]
    [InlineData("SGD", """{ "lr": 0.05, "momentum": 0.9, "weight_decay": 0.01 }""")]
    [InlineData("SGD", """{ "lr": 0.05, "momentum": 0.9, "dampening": 0.3 }""")]
    [InlineData("SGD", """{ "lr": 0.05, "momentum": 0.9, "nesterov": true, "weight_decay": 0.001 }""")]
    public void After_100_steps_the_weights_are_those_of_the_plain_optimizer_bit_for_bit(string optimizer, string options) =>
        AssertTwins(optimizer, options, tolerance: 0);

    // MKL's square root, which torch takes, is not always the nearest number.
    [Theory]
    [InlineData("Adam", "{}")]
    [InlineData("Adam", """{ "lr": 0.01, "betas": [0.8, 0.95], "eps": 1e-5 }""")]
    [InlineData("Adam", """{ "lr": 0.01, "weight_decay": 0.02 }""")]
    [InlineData("AdamW", "{}")]
    [InlineData("AdamW", """{ "lr": 0.01, "weight_decay": 0.02, "betas": [0.8, 0.95] }""")]
    public void After_100_steps_with_a_square_root_the_weights_are_within_two_units_in_the_last_place_of_1(string optimizer, string options) =>
        AssertTwins(optimizer, options, tolerance: 2 * MathF.BitIncrement(1) - 2);

    private static void AssertTwins(string optimizer, string options, float tolerance)
    {
        TorchRuntime.EnsureLoaded();
        using var scope = NewDisposeScope();
        var values = TinyData.Json(options);
        var (plain, fused) = (Parameters(), Parameters());
        using var expected = Optimizers.Create(optimizer, plain, values);
        using var step = ParameterStep.For(new Hyperparameters { Optimizer = optimizer, OptimizerParams = values }, fused);
        Assert.IsAssignableFrom<FusedStep>(step);
        for (var i = 0; i < 100; i++)
        {
            using var one = NewDisposeScope();
            using var generator = new Generator((ulong)i);
            for (var j = 0; j < plain.Length; j++)
            {
                // One parameter comes later, and rests now and then: each has a count of its own.
                var gradient = j == 1 && i % 3 == 0 ? null : empty(plain[j].shape).uniform_(-1, 1, generator);
                plain[j].grad = gradient;
                fused[j].grad = gradient?.clone();
            }
            // As a schedule does.
            expected.ParamGroups.First().LearningRate = step.LearningRate = step.LearningRate * 0.99;
            expected.step();
            step.Step();
        }
        Assert.All(plain.Zip(fused), pair => Assert.All(Values(pair.First).Zip(Values(pair.Second)), v => Assert.InRange(v.First - v.Second, -tolerance, tolerance)));
        Assert.All(plain.Zip(Parameters()), pair => Assert.False(pair.First.bytes.SequenceEqual(pair.Second.bytes)));
        Forget([.. plain, .. fused]);
    }

    [Theory]
    [InlineData("SGD", """{ "maximize": true }""")]
    [InlineData("Adam", """{ "maximize": true }""")]
    [InlineData("AdamW", """{ "amsgrad": true }""")]
    [InlineData("RMSprop", "{}")]
    public void Options_that_are_not_for_it_are_left_to_the_plain_optimizer(string optimizer, string options)
    {
        TorchRuntime.EnsureLoaded();
        using var scope = NewDisposeScope();
        using var step = ParameterStep.For(new Hyperparameters { Optimizer = optimizer, OptimizerParams = TinyData.Json(options) }, Parameters());
        Assert.IsNotAssignableFrom<FusedStep>(step);
    }

    [Fact]
    public void Parameters_that_are_not_for_it_are_left_to_the_plain_optimizer()
    {
        TorchRuntime.EnsureLoaded();
        using var scope = NewDisposeScope();
        var parameters = Parameters();
        var turned = new Parameter(empty(3, 4).uniform_(-1, 1).t());
        var wide = new Parameter(empty([3], ScalarType.Float64));
        LeakGuardAttribute.ParametersMade(2);
        Assert.True(FusedStep.IsFor(parameters, 1));
        Assert.False(FusedStep.IsFor([.. parameters, parameters[0]], 1));
        Assert.False(FusedStep.IsFor([turned], 1));
        Assert.False(FusedStep.IsFor([wide], 1));
        Assert.True(FusedStep.IsFor([new Parameter(empty(0)), new Parameter(empty(0))], 1));
        LeakGuardAttribute.ParametersMade(2);
    }

    [Theory]
    [InlineData("SGD", """{ "lr": 0.5, "momentum": 0.9 }""")]
    [InlineData("Adam", """{ "lr": 0.5 }""")]
    public void A_sparse_gradient_moves_the_weights_as_the_same_one_with_its_zeros_does(string optimizer, string options)
    {
        TorchRuntime.EnsureLoaded();
        using var scope = NewDisposeScope();
        var (dense, sparse) = (Parameters(), Parameters());
        var hyperparameters = new Hyperparameters { Optimizer = optimizer, OptimizerParams = TinyData.Json(options) };
        using var first = ParameterStep.For(hyperparameters, dense);
        using var second = ParameterStep.For(hyperparameters, sparse);
        for (var i = 0; i < 3; i++)
        {
            var rows = tensor([1L, 4, 7], [1, 3]);
            var gradient = sparse_coo_tensor(rows, ones(3, 41), [13, 41]);
            sparse[0].grad = gradient;
            dense[0].grad = gradient.to_dense();
            first.Step();
            second.Step();
        }
        Assert.True(dense[0].bytes.SequenceEqual(sparse[0].bytes));
        Assert.False(dense[0].bytes.SequenceEqual(Parameters()[0].bytes));
        Forget([.. dense, .. sparse]);
    }

    private static float[] Values(Tensor tensor) => tensor.data<float>().ToArray();

    private static void Forget(Parameter[] parameters)
    {
        foreach (var parameter in parameters)
            parameter.grad = null;
    }

    // 13 x 41 and 5: with a rest beyond the vectors, and shorter than one.
    private static Parameter[] Parameters()
    {
        using var generator = new Generator(99);
        Parameter[] parameters = [new(empty(13, 41).uniform_(-1, 1, generator)), new(empty(5).uniform_(-1, 1, generator)), new(empty(64).uniform_(-1, 1, generator))];
        LeakGuardAttribute.ParametersMade(parameters.Length);
        return parameters;
    }
}

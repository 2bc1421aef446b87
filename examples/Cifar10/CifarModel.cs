using MantaLight.Torch;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MantaLight.Examples.Cifar10;

/// <summary>The small convolutional network that tutorials train on CIFAR-10: two convolutions of 5 x 5 with pooling, then 120, 84 and 10; 62,006 parameters.</summary>
public sealed class CifarModel : Module<Tensor, Tensor>
{
    private readonly ColourNormalization colours = new();
    private readonly Conv2d convolution1;
    private readonly Conv2d convolution2;
    private readonly Linear hidden1;
    private readonly Linear hidden2;
    private readonly Linear output;

    static CifarModel() => TorchRuntime.EnsureLoaded();

    public CifarModel()
        : base(nameof(CifarModel))
    {
        convolution1 = Conv2d(3, 6, 5);
        convolution2 = Conv2d(6, 16, 5);
        hidden1 = Linear(16 * 5 * 5, 120);
        hidden2 = Linear(120, 84);
        output = Linear(84, 10);
        RegisterComponents();
    }

    /// <summary>Images of 3 x 32 x 32 in [0, 1] to ten scores.</summary>
    public override Tensor forward(Tensor images)
    {
        using var scope = NewDisposeScope();
        var x = Pooled(convolution1, colours.Apply(images));
        x = Pooled(convolution2, x).flatten(1);
        x = functional.relu(hidden1.call(x));
        x = functional.relu(hidden2.call(x));
        return output.call(x).MoveToOuterDisposeScope();
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            colours.Dispose();
            convolution1.Dispose();
            convolution2.Dispose();
            hidden1.Dispose();
            hidden2.Dispose();
            output.Dispose();
        }
        base.Dispose(disposing);
    }

    private static Tensor Pooled(Conv2d convolution, Tensor x) => functional.max_pool2d(functional.relu(convolution.call(x)), 2);
}

/// <summary>Makes the weights that the first round starts from, once, from the swarm's seed.</summary>
public sealed class InitialModel : TorchInitializer<CifarModel>;

/// <summary>Trains the global weights on the images that this node has.</summary>
public sealed class Worker(CifarModel model) : TorchWorker<CifarModel>(model)
{
    /// <inheritdoc/>
    protected override string Dataset => CifarSwarm.Dataset;
}

/// <summary>Tests the new global weights on the test images that this node has.</summary>
public sealed class Test(CifarModel model) : TorchTest<CifarModel>(model)
{
    /// <inheritdoc/>
    protected override string Dataset => CifarSwarm.Dataset;
}

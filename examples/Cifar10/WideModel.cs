using MantaLight.Torch;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MantaLight.Examples.Cifar10;

/// <summary>A wider one: three convolutions of 3 x 3 to 32, 64 and 64 channels, each with pooling, then 64 and 10; 122,570 parameters.</summary>
public sealed class WideModel : Module<Tensor, Tensor>
{
    private readonly ColourNormalization colours = new();
    private readonly Conv2d convolution1;
    private readonly Conv2d convolution2;
    private readonly Conv2d convolution3;
    private readonly Linear hidden;
    private readonly Linear output;

    static WideModel() => TorchRuntime.EnsureLoaded();

    public WideModel()
        : base(nameof(WideModel))
    {
        convolution1 = Conv2d(3, 32, 3, padding: 1);
        convolution2 = Conv2d(32, 64, 3, padding: 1);
        convolution3 = Conv2d(64, 64, 3, padding: 1);
        hidden = Linear(64 * 4 * 4, 64);
        output = Linear(64, 10);
        RegisterComponents();
    }

    /// <summary>Images of 3 x 32 x 32 in [0, 1] to ten scores.</summary>
    public override Tensor forward(Tensor images)
    {
        using var scope = NewDisposeScope();
        var x = Pooled(convolution1, colours.Apply(images));
        x = Pooled(convolution2, x);
        x = Pooled(convolution3, x).flatten(1);
        return output.call(functional.relu(hidden.call(x))).MoveToOuterDisposeScope();
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            colours.Dispose();
            convolution1.Dispose();
            convolution2.Dispose();
            convolution3.Dispose();
            hidden.Dispose();
            output.Dispose();
        }
        base.Dispose(disposing);
    }

    private static Tensor Pooled(Conv2d convolution, Tensor x) => functional.max_pool2d(functional.relu(convolution.call(x)), 2);
}

/// <summary>Makes its first weights.</summary>
public sealed class WideInitialModel : TorchInitializer<WideModel>;

/// <summary>Trains it.</summary>
public sealed class WideWorker(WideModel model) : TorchWorker<WideModel>(model)
{
    /// <inheritdoc/>
    protected override string Dataset => CifarSwarm.Dataset;
}

/// <summary>Tests it.</summary>
public sealed class WideTest(WideModel model) : TorchTest<WideModel>(model)
{
    /// <inheritdoc/>
    protected override string Dataset => CifarSwarm.Dataset;
}

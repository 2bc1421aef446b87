using MantaLight.Torch;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MantaLight.Examples.Mnist;

/// <summary>The 2NN of McMahan et al. 2017: a perceptron 784-200-200-10 with ReLU, 199,210 parameters.</summary>
public sealed class TwoLayers : Module<Tensor, Tensor>
{
    private readonly Linear hidden1;
    private readonly Linear hidden2;
    private readonly Linear output;

    static TwoLayers() => TorchRuntime.EnsureLoaded();

    public TwoLayers()
        : base(nameof(TwoLayers))
    {
        hidden1 = Linear(28 * 28, 200);
        hidden2 = Linear(200, 200);
        output = Linear(200, 10);
        RegisterComponents();
    }

    /// <summary>Images of 28 x 28 pixels in [0, 1] to ten scores.</summary>
    public override Tensor forward(Tensor images) =>
        output.call(functional.relu(hidden2.call(functional.relu(hidden1.call(images.flatten(1))))));

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            hidden1.Dispose();
            hidden2.Dispose();
            output.Dispose();
        }
        base.Dispose(disposing);
    }
}

/// <summary>Makes its first weights.</summary>
public sealed class TwoLayersInitialModel : TorchInitializer<TwoLayers>;

/// <summary>Trains it.</summary>
public sealed class TwoLayersWorker(TwoLayers model) : TorchWorker<TwoLayers>(model);

/// <summary>Tests it.</summary>
public sealed class TwoLayersTest(TwoLayers model) : TorchTest<TwoLayers>(model);

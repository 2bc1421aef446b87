using MantaLight.Torch;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MantaLight.Examples.Mnist;

/// <summary>A perceptron 784-512-512-10 with ReLU: 669,706 parameters.</summary>
public sealed class MnistModel : Module<Tensor, Tensor>
{
    private readonly Linear hidden1;
    private readonly Linear hidden2;
    private readonly Linear output;

    // Before the first layer is made: it may be this process's first use of torch.
    static MnistModel() => TorchRuntime.EnsureLoaded();

    public MnistModel()
        : base(nameof(MnistModel))
    {
        hidden1 = Linear(28 * 28, 512);
        hidden2 = Linear(512, 512);
        output = Linear(512, 10);
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

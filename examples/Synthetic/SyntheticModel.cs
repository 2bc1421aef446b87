using MantaLight.Torch;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MantaLight.Examples.Synthetic;

/// <summary>Multinomial logistic regression, 60 inputs to ten scores, from zero: 610 parameters.</summary>
public sealed class SyntheticModel : Module<Tensor, Tensor>
{
    private readonly Linear output;

    static SyntheticModel() => TorchRuntime.EnsureLoaded();

    public SyntheticModel()
        : base(nameof(SyntheticModel))
    {
        output = Linear(SyntheticUsers.Inputs, SyntheticUsers.Classes);
        using (no_grad())
        {
            output.weight.zero_();
            output.bias!.zero_();
        }
        RegisterComponents();
    }

    public override Tensor forward(Tensor samples) => output.call(samples);

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            output.Dispose();
        base.Dispose(disposing);
    }
}

/// <summary>Makes its first weights.</summary>
public sealed class InitialModel : TorchInitializer<SyntheticModel>;

/// <summary>Trains it on the user's own samples.</summary>
public sealed class Worker(SyntheticModel model) : TorchWorker<SyntheticModel>(model)
{
    /// <inheritdoc/>
    protected override string Dataset => SyntheticGenerator.Name;
}

/// <summary>Tests it on the tenth of the user's samples that is kept back.</summary>
public sealed class Test(SyntheticModel model) : TorchTest<SyntheticModel>(model)
{
    /// <inheritdoc/>
    protected override string Dataset => SyntheticGenerator.Name;
}

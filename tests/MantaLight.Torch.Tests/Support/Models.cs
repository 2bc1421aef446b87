using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MantaLight.Torch.Tests.Support;

/// <summary>8 x 8 images to three classes.</summary>
public class TinyModel : Module<Tensor, Tensor>
{
    private readonly Linear hidden;
    private readonly Linear output;

    static TinyModel() => TorchRuntime.EnsureLoaded();

    public TinyModel()
        : base(nameof(TinyModel))
    {
        hidden = Linear(64, 16);
        output = Linear(16, 3);
        RegisterComponents();
        LeakGuardAttribute.ParametersMade(4);
    }

    public override Tensor forward(Tensor input) => output.call(Hidden(functional.relu(hidden.call(input.flatten(1)))));

    protected virtual Tensor Hidden(Tensor values) => values;

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            hidden.Dispose();
            output.Dispose();
        }
        base.Dispose(disposing);
    }
}

/// <summary>The same with dropout.</summary>
public sealed class DropoutModel : TinyModel
{
    private readonly Dropout dropout;

    public DropoutModel()
    {
        dropout = Dropout(0.5);
        register_module("dropout", dropout);
    }

    protected override Tensor Hidden(Tensor values) => dropout.call(values);

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            dropout.Dispose();
        base.Dispose(disposing);
    }
}

/// <summary>With buffers: running mean, variance and a counter.</summary>
public sealed class NormalizedModel : Module<Tensor, Tensor>
{
    private readonly Conv2d convolution;
    private readonly BatchNorm2d normalization;

    static NormalizedModel() => TorchRuntime.EnsureLoaded();

    public NormalizedModel()
        : base(nameof(NormalizedModel))
    {
        convolution = Conv2d(1, 2, 3);
        normalization = BatchNorm2d(2);
        RegisterComponents();
    }

    public override Tensor forward(Tensor input) => normalization.call(convolution.call(input)).flatten(1);
}

public sealed class TinyWorker(TinyModel model) : TorchWorker<TinyModel>(model)
{
    protected override string Dataset => "tiny";
}

public sealed class TinyTest(TinyModel model) : TorchTest<TinyModel>(model)
{
    protected override string Dataset => "tiny";
}

public sealed class TinyInitializer : TorchInitializer<TinyModel>;

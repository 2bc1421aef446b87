using MantaLight.Torch;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MantaLight.Benchmarks.Tasks;

/// <summary>The 2NN of McMahan et al. 2017: 784-200-200-10.</summary>
public sealed class TwoLayers : nn.Module<Tensor, Tensor>
{
    private readonly Linear fc1 = nn.Linear(784, 200);
    private readonly Linear fc2 = nn.Linear(200, 200);
    private readonly Linear fc3 = nn.Linear(200, 10);

    /// <summary>With PyTorch's first weights.</summary>
    public TwoLayers() : base(nameof(TwoLayers)) => RegisterComponents();

    /// <inheritdoc/>
    public override Tensor forward(Tensor input)
    {
        using var flat = input.flatten(1);
        using var first = nn.functional.relu(fc1.call(flat));
        using var second = nn.functional.relu(fc2.call(first));
        return fc3.call(second);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            fc1.Dispose();
            fc2.Dispose();
            fc3.Dispose();
        }
        base.Dispose(disposing);
    }
}

/// <summary>The first weights.</summary>
public sealed class TwoLayerInitializer : TorchInitializer<TwoLayers>
{
    /// <inheritdoc/>
    protected override TwoLayers CreateModel() => new();
}

/// <summary>Trains.</summary>
public sealed class TwoLayerWorker(TwoLayers model) : TorchWorker<TwoLayers>(model);

/// <summary>Tests.</summary>
public sealed class TwoLayerTest(TwoLayers model) : TorchTest<TwoLayers>(model);

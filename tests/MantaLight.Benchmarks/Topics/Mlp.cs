using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MantaLight.Benchmarks.Topics;

/// <summary>The tutorial's model: 784-512-512-10.</summary>
internal sealed class Mlp : nn.Module<Tensor, Tensor>
{
    private readonly Linear fc1 = nn.Linear(784, 512);
    private readonly Linear fc2 = nn.Linear(512, 512);
    private readonly Linear fc3 = nn.Linear(512, 10);

    public Mlp() : base(nameof(Mlp)) => RegisterComponents();

    public override Tensor forward(Tensor input)
    {
        using var flat = input.flatten(1);
        using var first = nn.functional.relu(fc1.call(flat));
        using var second = nn.functional.relu(fc2.call(first));
        return fc3.call(second);
    }

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

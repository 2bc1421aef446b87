using MantaLight.Torch;
using static TorchSharp.torch;

namespace MantaLight.Examples.Cifar10;

/// <summary>Red, green and blue with mean 0 and deviation 1 over CIFAR-10's training set: published numbers, so that no node tells its own.</summary>
internal sealed class ColourNormalization : IDisposable
{
    private readonly Tensor mean;
    private readonly Tensor scale;

    static ColourNormalization() => TorchRuntime.EnsureLoaded();

    public ColourNormalization()
    {
        using var scope = NewDisposeScope();
        mean = PerChannel(0.4914f, 0.4822f, 0.4465f);
        scale = PerChannel(1 / 0.2470f, 1 / 0.2435f, 1 / 0.2616f);
    }

    /// <summary>Images [n, 3, rows, columns] in [0, 1] as the layers want them.</summary>
    public Tensor Apply(Tensor images) => images.sub(mean).mul_(scale);

    public void Dispose()
    {
        mean.Dispose();
        scale.Dispose();
    }

    private static Tensor PerChannel(params float[] values) => tensor(values).view(1, 3, 1, 1).DetachFromDisposeScope();
}

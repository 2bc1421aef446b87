using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MantaLight.Torch.Privacy;

/// <summary>A layer whose samples' gradients are known from its input and the gradient of its output.</summary>
/// <param name="Module">Linear or Conv2d.</param>
/// <param name="Weight">Its weight.</param>
/// <param name="OfWeight">The weight's place among the sums.</param>
/// <param name="OfBias">The bias's place; negative where it has none.</param>
internal sealed record Layer(nn.Module<Tensor, Tensor> Module, Parameter Weight, int OfWeight, int OfBias)
{
    /// <summary>What a batch gives.</summary>
    /// <param name="input">As the layer got it, the batch first.</param>
    /// <param name="slope">The gradient of the sum of losses by its output.</param>
    /// <param name="count">Samples of the batch.</param>
    /// <exception cref="TaskContractException">The first dimension is not the batch's.</exception>
    public LayerPart PartOf(Tensor input, Tensor slope, long count)
    {
        if (input.shape[0] != count || slope.shape[0] != count || input.dim() < 2)
            throw new TaskContractException("A layer does not have the batch's samples along its first dimension.");
        if (Module is Linear && input.dim() == 2)
            return new ProductPart(this, input, slope);
        // Sums over places, [n, out, places] times [n, places, in].
        var (outward, inward) = Module is Conv2d convolution
            ? (slope.flatten(2), Patches(convolution, input).transpose(1, 2))
            : (slope.flatten(1, -2).transpose(1, 2), input.flatten(1, -2));
        return new WholePart(this, outward.bmm(inward).flatten(1), outward.sum(2));
    }

    private static Tensor Patches(Conv2d layer, Tensor input) => nn.functional.unfold(
        input, (layer.kernel_size[0], layer.kernel_size[1]), (layer.dilation[0], layer.dilation[1]), (layer.padding![0], layer.padding[1]), (layer.stride[0], layer.stride[1]));
}

/// <summary>A layer's part in the gradients of a batch's samples.</summary>
internal abstract class LayerPart(Layer layer)
{
    /// <summary>‖g‖² of each sample in this layer, [n].</summary>
    public abstract Tensor Squares { get; }

    /// <summary>Adds each sample's gradient so many times.</summary>
    /// <param name="sums">One for each parameter.</param>
    /// <param name="scales">[n].</param>
    public void AddTo(Tensor[] sums, Tensor scales)
    {
        AddWeight(sums[layer.OfWeight], scales);
        if (layer.OfBias >= 0)
            sums[layer.OfBias].add_(BiasGradients.t().mv(scales));
    }

    protected Layer Layer => layer;

    /// <summary>[n, out].</summary>
    protected abstract Tensor BiasGradients { get; }

    protected abstract void AddWeight(Tensor sum, Tensor scales);
}

/// <summary>A linear layer's, as a product that is never multiplied out.</summary>
internal sealed class ProductPart(Layer layer, Tensor input, Tensor slope) : LayerPart(layer)
{
    public override Tensor Squares => slope.square().sum(1).mul_(input.square().sum(1).add_(Layer.OfBias >= 0 ? 1 : 0));

    protected override Tensor BiasGradients => slope;

    protected override void AddWeight(Tensor sum, Tensor scales) => sum.addmm_(slope.mul(scales.unsqueeze(1)).t(), input, 1, 1);
}

/// <summary>A layer's own gradient of each sample.</summary>
/// <param name="layer">The layer.</param>
/// <param name="gradients">Of the weight, [n, elements].</param>
/// <param name="ofBias">Of the bias, [n, out].</param>
internal sealed class WholePart(Layer layer, Tensor gradients, Tensor ofBias) : LayerPart(layer)
{
    public override Tensor Squares => Layer.OfBias >= 0 ? gradients.square().sum(1).add_(ofBias.square().sum(1)) : gradients.square().sum(1);

    protected override Tensor BiasGradients => ofBias;

    protected override void AddWeight(Tensor sum, Tensor scales) => sum.add_(gradients.t().mv(scales).view(sum.shape));
}

using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MantaLight.Torch.Privacy;

/// <summary>
/// All samples of a batch in one forward and one backward, which goes to the layers' outputs only. Of a linear layer a sample's gradient is the product of its input a and its output's gradient g, so that its norm is ‖a‖ ‖g‖
/// (Goodfellow 2015, "Efficient Per-Example Gradient Computations", section 4), and the sum of clipped ones is one product over the batch (Bu et al. 2023, "Differentially Private Optimization on Large Model at Small Cost",
/// book-keeping). Of convolutions, and linear layers over sequences, each sample's gradient is made, layer by layer.
/// </summary>
internal sealed class LayerGradients : ISampleGradients
{
    // Floats of a batch's own gradients in a layer.
    private const long Room = 16 << 20;

    private readonly Layer[] layers;
    private readonly Func<Tensor, Tensor> forward;
    private readonly Func<Tensor, Tensor, Tensor> lossOf;
    private readonly Action[] removers;
    private readonly List<(int Layer, Tensor Input, Tensor Output)> seen = [];

    private LayerGradients(Layer[] layers, Func<Tensor, Tensor> forward, Func<Tensor, Tensor, Tensor> lossOf)
    {
        (this.layers, this.forward, this.lossOf) = (layers, forward, lossOf);
        Most = (int)Math.Clamp(Room / Math.Max(1, layers.Max(l => l.Module is Linear ? 1 : l.Weight.numel())), 1, 256);
        removers = [.. layers.Select((layer, place) => new Action(layer.Module.register_forward_hook((_, input, output) => Note(place, input, output)).remove))];
    }

    public int Most { get; }

    /// <summary>For a model all of whose parameters are those of linear layers and convolutions, each once; null for others.</summary>
    /// <param name="model">The model.</param>
    /// <param name="parameters">Its parameters that are trained, in the order of the sums.</param>
    /// <param name="forward">Gives the output of a batch.</param>
    /// <param name="lossOf">The sum of the losses of a batch's samples, each of which depends on its own sample alone.</param>
    public static LayerGradients? For(nn.Module model, Parameter[] parameters, Func<Tensor, Tensor> forward, Func<Tensor, Tensor, Tensor> lossOf)
    {
        var places = new Dictionary<IntPtr, int>();
        for (var i = 0; i < parameters.Length; i++)
        {
            if (!places.TryAdd(parameters[i].Handle, i))
                return null;
        }
        var layers = new List<Layer>();
        foreach (var module in model.modules().Prepend(model).Distinct())
        {
            var (weight, bias, isKnown) = module switch
            {
                Linear linear => (linear.weight, linear.bias, true),
                Conv2d { groups: 1, padding_mode: PaddingModes.Zeros, transposed: false, padding_type: null } convolution => (convolution.weight, convolution.bias, true),
                _ => (null, null, false),
            };
            if (!isKnown || weight is null || !places.Remove(weight.Handle, out var ofWeight))
                continue;
            var ofBias = -1;
            if (bias is not null && !places.Remove(bias.Handle, out ofBias))
                return null;
            layers.Add(new Layer((nn.Module<Tensor, Tensor>)module, weight, ofWeight, bias is null ? -1 : ofBias));
        }
        return layers.Count > 0 && places.Count == 0 ? new LayerGradients([.. layers], forward, lossOf) : null;
    }

    public double[] AddTo(Tensor[] sums, Batch batch, double clip)
    {
        try
        {
            using var scope = NewDisposeScope();
            Forget();
            var loss = lossOf(forward(batch.Samples), batch.Targets);
            if (seen.Count != layers.Length || seen.Select(s => s.Layer).Distinct().Count() != layers.Length)
                throw new TaskContractException("A layer was not called once, so that samples' gradients cannot be told from its input and output.");
            var slopes = autograd.grad([loss], [.. seen.Select(s => s.Output)], allow_unused: true);
            using var noGradients = no_grad();
            var parts = new List<LayerPart>();
            for (var i = 0; i < seen.Count; i++)
            {
                if (slopes[i] is { IsInvalid: false } slope)
                    parts.Add(layers[seen[i].Layer].PartOf(seen[i].Input, slope, batch.Count));
            }
            var squares = zeros(batch.Count);
            foreach (var part in parts)
                squares.add_(part.Squares);
            double[] norms = [.. squares.sqrt_().data<float>().Select(n => (double)n)];
            var scales = tensor(Array.ConvertAll(norms, norm => (float)ClipScale.Of(norm, clip)));
            foreach (var part in parts)
                part.AddTo(sums, scales);
            return norms;
        }
        finally
        {
            Forget();
        }
    }

    public void Dispose()
    {
        Forget();
        foreach (var remove in removers)
            remove();
    }

    // What the model goes on with is a copy: it may change or dispose of it.
    private Tensor Note(int layer, Tensor input, Tensor output)
    {
        if (!output.requires_grad)
            return output;
        seen.Add((layer, input.detach().DetachFromDisposeScope(), output.alias().DetachFromDisposeScope()));
        return seen[^1].Output.clone();
    }

    private void Forget()
    {
        foreach (var (_, input, output) in seen)
        {
            input.Dispose();
            output.Dispose();
        }
        seen.Clear();
    }
}

using MantaLight.Torch.Weights;
using MantaLight.Weights;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MantaLight.Torch.Training;

/// <summary>
/// The control variate in local training (Karimireddy et al. 2020, "SCAFFOLD", Algorithm 1): each step is y -= η (g(y) - c_i + c). After them option I has c_i⁺ = g_i(x), the gradient over all local data
/// at the global model, and option II c_i⁺ = c_i - c + (x - y) / (K η).
/// </summary>
/// <remarks>
/// K η is how far the steps reach: where rates change, or with a momentum ρ, x - y is the sum of all steps' corrected gradients, each with a weight (Σ η_k ρ^(k-j) over the steps k from its own on), and their sum
/// takes the place of K η; for plain SGD at one rate that is K η.
/// </remarks>
internal sealed class LocalControl : IDisposable
{
    private readonly List<Part> parts = [];
    private readonly List<(string Name, long[] Shape, long Count)> layout = [];
    private double reach;
    private double weight;

    /// <param name="model">As the global has it when this is made.</param>
    /// <param name="isShared">Whether a tensor is sent.</param>
    /// <param name="global">c; null for zero.</param>
    /// <param name="own">c_i; null for zero.</param>
    /// <exception cref="IncompatibleWeightsException">One of them is of another model.</exception>
    public LocalControl(nn.Module model, Predicate<string> isShared, NamedArrays? global, NamedArrays? own)
    {
        var trained = model.named_parameters().Where(p => p.parameter.requires_grad).ToDictionary(p => p.name, p => p.parameter, StringComparer.Ordinal);
        using var noGradients = no_grad();
        try
        {
            foreach (var (name, tensor) in model.state_dict().Where(t => isShared(t.Key) && t.Value.dtype.ToArrayType(t.Key).IsFloat()))
            {
                layout.Add((name, tensor.shape, tensor.numel()));
                if (trained.TryGetValue(name, out var parameter))
                    parts.Add(new Part(name, parameter, Read(global, name, tensor), Read(own, name, tensor)));
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Adds c - c_i to the gradients.</summary>
    public void AddGradients()
    {
        using var noGradients = no_grad();
        foreach (var part in parts)
        {
            using var gradient = part.Parameter.grad;
            if (gradient is not null)
            {
                gradient.add_(part.Correction).Dispose();
                continue;
            }
            // What the loss does not depend on moves all the same.
            using var alone = part.Correction.clone();
            part.Parameter.grad = alone;
        }
    }

    /// <summary>Takes the local gradient at the global model, for option I.</summary>
    /// <param name="addUp">Adds it up in the parameters.</param>
    public void TakeGradients(Action addUp)
    {
        addUp();
        foreach (var part in parts)
        {
            using var gradient = part.Parameter.grad;
            part.Gradient = (gradient is null ? zeros_like(part.Anchor) : gradient.to_dense().clone()).DetachFromDisposeScope();
        }
    }

    /// <summary>Takes note of a step.</summary>
    /// <param name="rate">Its rate.</param>
    /// <param name="momentum">ρ, 0 to below 1.</param>
    public void Stepped(double rate, double momentum)
    {
        weight = (momentum * weight) + 1;
        reach += rate * weight;
    }

    /// <summary>c_i⁺, and c_i⁺ - c_i, when all steps are made.</summary>
    public (NamedArrays Own, NamedArrays Difference) Finish()
    {
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var own = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        var difference = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        foreach (var part in parts)
        {
            var next = part.Gradient ?? part.Anchor.sub(part.Parameter).div(reach).sub(part.Correction);
            (own[part.Name], difference[part.Name]) = (next, next.sub(part.Own));
        }
        return (Whole(own), Whole(difference));
    }

    public void Dispose() => parts.ForEach(p => p.Dispose());

    // Buffers and what is not trained have no gradient.
    private NamedArrays Whole(Dictionary<string, Tensor> tensors) => ModuleWeights.Of(layout.Select(l =>
        KeyValuePair.Create(l.Name, tensors.TryGetValue(l.Name, out var tensor) ? tensor.to(ScalarType.Float32) : zeros(l.Shape, ScalarType.Float32))));

    private static Tensor Read(NamedArrays? variate, string name, Tensor like)
    {
        if (variate is null)
            return zeros_like(like).DetachFromDisposeScope();
        if (!variate.TryGet(name, out var array) || array.Type != ArrayType.Float32 || !array.Shape.SequenceEqual(like.shape))
            throw new IncompatibleWeightsException($"The control variate has {(array is null ? "nothing" : $"'{array}'")} for '{name}', which the model has as [{string.Join(", ", like.shape)}].");
        using var values = empty(like.shape, ScalarType.Float32);
        return array.CopyFinite(values.bytes) is { } at
            ? throw new IncompatibleWeightsException($"The control variate '{array}' holds NaN or an infinity at element {at}.")
            : values.to(like.dtype, copy: true).DetachFromDisposeScope();
    }

    private sealed class Part : IDisposable
    {
        public Part(string name, Parameter parameter, Tensor global, Tensor own)
        {
            (Name, Parameter, Own) = (name, parameter, own);
            Correction = global.sub_(own);
            using var detached = parameter.detach();
            Anchor = detached.clone().DetachFromDisposeScope();
        }

        public string Name { get; }

        public Parameter Parameter { get; }

        /// <summary>x.</summary>
        public Tensor Anchor { get; }

        /// <summary>c - c_i.</summary>
        public Tensor Correction { get; }

        /// <summary>c_i.</summary>
        public Tensor Own { get; }

        /// <summary>g_i(x); null for option II.</summary>
        public Tensor? Gradient { get; set; }

        public void Dispose()
        {
            Anchor.Dispose();
            Correction.Dispose();
            Own.Dispose();
            Gradient?.Dispose();
        }
    }
}

using MantaLight.Torch.Weights;
using MantaLight.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace MantaLight.Torch;

/// <summary>A module's parameters and buffers as named arrays and back.</summary>
public static class ModuleWeights
{
    /// <summary>
    /// The module's parameters and persistent buffers, in <c>state_dict</c> order, as views of the tensors' own memory:
    /// nothing is copied (but from another device, or where a tensor is not contiguous), and later training shows through.
    /// Dispose the result when done; it keeps the memory alive until then, beyond the module if need be.
    /// </summary>
    /// <exception cref="IncompatibleWeightsException">A tensor has an element type that weights cannot carry.</exception>
    public static NamedArrays ToWeights(this nn.Module module) => ToWeights(module, _ => true);

    /// <summary>The same of some of them.</summary>
    /// <param name="module">The module.</param>
    /// <param name="isWanted">Whether a tensor of that name is.</param>
    internal static NamedArrays ToWeights(this nn.Module module, Predicate<string> isWanted)
    {
        TorchRuntime.EnsureLoaded();
        return Of(module.state_dict().Where(t => isWanted(t.Key)));
    }

    /// <summary>Tensors as views of their own memory.</summary>
    internal static NamedArrays Of(IEnumerable<KeyValuePair<string, Tensor>> tensors)
    {
        using var noGradients = no_grad();
        var owner = new Owner();
        try
        {
            var arrays = new List<NamedArray>();
            foreach (var (name, tensor) in tensors)
            {
                var type = tensor.dtype.ToArrayType(name);
                var memory = owner.Add(View(tensor));
                arrays.Add(new NamedArray(name, type, tensor.shape, memory.Memory));
            }
            return new NamedArrays(arrays, owner);
        }
        catch
        {
            owner.Dispose();
            throw;
        }
    }

    /// <summary>How many floats the module's weights have.</summary>
    internal static long FloatElements(this nn.Module module) => module.state_dict().Values.Where(t => t.is_floating_point()).Sum(t => t.numel());

    /// <summary>Copies weights into the module's tensors, checking them in the same read.</summary>
    /// <exception cref="IncompatibleWeightsException">
    /// Other names, shapes, types or order than the module's: the message names the first difference, and the module is unchanged. Or NaN or
    /// infinities: the module then has what came before them, and is to be loaded anew.
    /// </exception>
    public static void Load(this nn.Module module, NamedArrays weights)
    {
        TorchRuntime.EnsureLoaded();
        var targets = module.state_dict();
        RequireSameLayout(module, targets, weights);
        using var noGradients = no_grad();
        foreach (var array in weights)
        {
            var target = targets[array.Name];
            if (target.device_type == DeviceType.CPU && target.is_contiguous())
            {
                Copy(array, target);
                continue;
            }
            using var staged = empty(target.shape, target.dtype);
            Copy(array, staged);
            target.copy_(staged);
        }
    }

    private static void Copy(NamedArray array, Tensor target)
    {
        if (array.CopyFinite(target.bytes) is { } at)
            throw new IncompatibleWeightsException($"Array '{array}' holds NaN or an infinity at element {at}; such weights are refused.");
    }

    private static void RequireSameLayout(nn.Module module, Dictionary<string, Tensor> targets, NamedArrays weights)
    {
        var i = 0;
        foreach (var (name, tensor) in targets)
        {
            var expected = $"{name}: {tensor.dtype.ToArrayType(name).WireName()} [{string.Join(", ", tensor.shape)}]";
            if (i == weights.Count)
                throw new IncompatibleWeightsException($"The weights end after {i} arrays where {module.GetType().Name} has {targets.Count}; the first that is missing is '{expected}'.");
            if (weights[i].ToString() != expected)
                throw new IncompatibleWeightsException($"Array {i} of the weights is '{weights[i]}' where {module.GetType().Name} has '{expected}'.");
            i++;
        }
        if (weights.Count > i)
            throw new IncompatibleWeightsException($"The weights have {weights.Count} arrays where {module.GetType().Name} has {i}; the first that is too many is '{weights[i]}'.");
    }

    private static TensorMemory View(Tensor tensor)
    {
        using var scope = NewDisposeScope();
        var view = tensor.detach();
        if (view.device_type != DeviceType.CPU)
            view = view.cpu();
        return new TensorMemory(view.contiguous().DetachFromDisposeScope());
    }

    private sealed class Owner : IDisposable
    {
        private readonly List<IDisposable> memories = [];

        public TensorMemory Add(TensorMemory memory)
        {
            memories.Add(memory);
            return memory;
        }

        public void Dispose()
        {
            foreach (var memory in memories)
                memory.Dispose();
            memories.Clear();
        }
    }
}

using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MantaLight.Torch.Training;

/// <summary>
/// An optimizer's step in one pass over parameter, gradient and what it keeps of both, where TorchSharp makes a pass for each operation. Each operation is
/// rounded as torch rounds it, so that the weights are the same to the last bit. What it keeps is its own; dispose it when done.
/// </summary>
internal abstract unsafe class FusedStep(Parameter[] parameters, int kept) : ParameterStep
{
    private readonly Tensor?[] states = new Tensor[parameters.Length];
    private readonly long[] steps = new long[parameters.Length];

    public sealed override double LearningRate { get; set; }

    /// <summary>
    /// Whether all parameters are for such a step: float32 in this machine's memory, one piece each, of which itself and what is kept for it take at most 2 GiB, none of them twice (the second
    /// step of a parameter would start from the first one's weights, and has a state of its own).
    /// </summary>
    public static bool IsFor(Parameter[] parameters, int kept)
    {
        var seen = new HashSet<nint>();
        return parameters.All(p => p.dtype == ScalarType.Float32 && p.device_type == DeviceType.CPU && p.is_contiguous() && p.numel() <= int.MaxValue / sizeof(float) / Math.Max(1, kept)
            && (p.numel() == 0 || seen.Add(Address(p))));
    }

    public sealed override void Step()
    {
        for (var i = 0; i < parameters.Length; i++)
        {
            using var gradient = parameters[i].grad;
            if (gradient is null)
                continue;
            if (gradient.is_sparse)
            {
                using var dense = gradient.to_dense();
                Update(i, dense);
            }
            else if (!gradient.is_contiguous())
            {
                using var whole = gradient.contiguous();
                Update(i, whole);
            }
            else
            {
                Update(i, gradient);
            }
        }
    }

    public sealed override void Dispose()
    {
        foreach (var state in states)
            state?.Dispose();
    }

    /// <summary>Moves one parameter.</summary>
    /// <param name="weights">Its values.</param>
    /// <param name="gradient">Their gradient.</param>
    /// <param name="state">What is kept of it: <c>kept</c> times as many values, not yet written in the first step.</param>
    /// <param name="count">How many values it has.</param>
    /// <param name="step">Which of its steps it is, from 1.</param>
    protected abstract void Update(float* weights, float* gradient, float* state, nint count, long step);

    private static nint Address(Tensor tensor)
    {
        fixed (byte* address = tensor.bytes)
            return (nint)address;
    }

    private void Update(int index, Tensor gradient)
    {
        var count = parameters[index].numel();
        if (kept > 0)
            states[index] ??= empty(kept * count, ScalarType.Float32).DetachFromDisposeScope();
        var state = states[index] is { } own ? own.bytes : [];
        fixed (byte* weights = parameters[index].bytes, gradients = gradient.bytes, values = state)
            Update((float*)weights, (float*)gradients, (float*)values, (nint)count, ++steps[index]);
    }
}

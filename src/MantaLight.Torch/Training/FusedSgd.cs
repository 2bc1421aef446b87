using System.Numerics;
using System.Runtime.InteropServices;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MantaLight.Torch.Training;

/// <summary>
/// Stochastic gradient descent with momentum (Sutskever et al. 2013, as PyTorch has it) in one pass over parameter, gradient and momentum, where TorchSharp
/// makes up to five. Rounded as torch rounds it, a fused multiplication and addition for each <c>add</c> with a factor, so that the weights are the same.
/// </summary>
internal sealed class FusedSgd : ParameterStep
{
    private readonly Parameter[] parameters;
    private readonly float[]?[] momenta;
    private readonly double momentum;
    private readonly double dampening;
    private readonly double weightDecay;
    private readonly bool nesterov;

    private FusedSgd(Parameter[] parameters, SGD.Options options, double rate)
    {
        this.parameters = parameters;
        momenta = new float[parameters.Length][];
        (momentum, dampening, weightDecay, nesterov) = (options.momentum ?? 0, options.dampening ?? 0, options.weight_decay ?? 0, options.nesterov ?? false);
        LearningRate = rate;
    }

    public override double LearningRate { get; set; }

    /// <summary>The fused form of TorchSharp's optimizer; null where a parameter or an option is not for it.</summary>
    public static FusedSgd? For(optim.Optimizer sgd, Parameter[] parameters)
    {
        var group = sgd.ParamGroups.First();
        return group is SGD.ParamGroup { Options: { maximize: not true } options } && parameters.All(IsPlain)
            ? new FusedSgd(parameters, options, group.LearningRate)
            : null;
    }

    public override void Step()
    {
        for (var i = 0; i < parameters.Length; i++)
        {
            using var gradient = parameters[i].grad;
            if (gradient is null)
                continue;
            if (gradient.is_contiguous())
            {
                Update(parameters[i], gradient, ref momenta[i]);
                continue;
            }
            using var dense = gradient.contiguous();
            Update(parameters[i], dense, ref momenta[i]);
        }
    }

    public override void Dispose()
    {
    }

    private static bool IsPlain(Parameter parameter) =>
        parameter.dtype == ScalarType.Float32 && parameter.device_type == DeviceType.CPU && parameter.is_contiguous();

    private void Update(Parameter parameter, Tensor gradient, ref float[]? velocity)
    {
        var weights = MemoryMarshal.Cast<byte, float>(parameter.bytes);
        ReadOnlySpan<float> gradients = MemoryMarshal.Cast<byte, float>(gradient.bytes);
        if (momentum == 0)
        {
            Move(weights, gradients, [], isFirst: false);
            return;
        }
        // The first velocity is the gradient itself, whatever the dampening.
        var isFirst = velocity is null;
        velocity ??= GC.AllocateUninitializedArray<float>(weights.Length);
        Move(weights, gradients, velocity, isFirst);
    }

    private void Move(Span<float> weights, ReadOnlySpan<float> gradients, Span<float> velocities, bool isFirst)
    {
        var (keep, take, decay, rate) = ((float)momentum, (float)(1 - dampening), (float)weightDecay, (float)-LearningRate);
        var hasVelocity = !velocities.IsEmpty;
        var i = 0;
        for (; i <= weights.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            var weight = new Vector<float>(weights[i..]);
            var step = new Vector<float>(gradients[i..]);
            if (decay != 0)
                step = Vector.FusedMultiplyAdd(weight, new Vector<float>(decay), step);
            if (hasVelocity)
            {
                var velocity = isFirst ? step : Vector.FusedMultiplyAdd(step, new Vector<float>(take), new Vector<float>(velocities[i..]) * keep);
                velocity.CopyTo(velocities[i..]);
                step = nesterov ? Vector.FusedMultiplyAdd(velocity, new Vector<float>(keep), step) : velocity;
            }
            Vector.FusedMultiplyAdd(step, new Vector<float>(rate), weight).CopyTo(weights[i..]);
        }
        for (; i < weights.Length; i++)
        {
            var step = gradients[i];
            if (decay != 0)
                step = MathF.FusedMultiplyAdd(weights[i], decay, step);
            if (hasVelocity)
            {
                velocities[i] = isFirst ? step : MathF.FusedMultiplyAdd(step, take, velocities[i] * keep);
                step = nesterov ? MathF.FusedMultiplyAdd(velocities[i], keep, step) : velocities[i];
            }
            weights[i] = MathF.FusedMultiplyAdd(step, rate, weights[i]);
        }
    }
}

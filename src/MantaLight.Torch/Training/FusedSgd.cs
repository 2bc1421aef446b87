using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MantaLight.Torch.Training;

/// <summary>Stochastic gradient descent with momentum (Sutskever et al. 2013, as PyTorch has it).</summary>
internal sealed unsafe class FusedSgd : FusedStep
{
    private readonly float keep;
    private readonly float take;
    private readonly float decay;
    private readonly bool nesterov;

    private FusedSgd(Parameter[] parameters, SGD.Options options) : base(parameters, kept: options.momentum is > 0 ? 1 : 0)
    {
        (keep, take, decay) = ((float)(options.momentum ?? 0), (float)(1 - (options.dampening ?? 0)), (float)(options.weight_decay ?? 0));
        nesterov = options.nesterov ?? false;
    }

    /// <summary>The fused form of TorchSharp's optimizer; null where a parameter or an option is not for it.</summary>
    public static FusedSgd? For(SGD sgd, Parameter[] parameters)
    {
        var group = sgd.ParamGroups.First();
        return group is SGD.ParamGroup { Options: { maximize: not true } options } && IsFor(parameters, 1)
            ? new FusedSgd(parameters, options) { LearningRate = group.LearningRate }
            : null;
    }

    // Optimized at once: an attempt may be over before the runtime finds that this is worth it.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    protected override void Update(float* weights, float* gradient, float* state, nint count, long step)
    {
        var rate = (float)-LearningRate;
        // The first velocity is the gradient itself, whatever the dampening.
        var isFirst = step == 1;
        nint i = 0;
        for (; i <= count - Vector512<float>.Count; i += Vector512<float>.Count)
        {
            var weight = Vector512.Load(weights + i);
            var move = Vector512.Load(gradient + i);
            if (decay != 0)
                move = Vector512.FusedMultiplyAdd(weight, Vector512.Create(decay), move);
            if (state != null)
            {
                var velocity = isFirst ? move : Vector512.FusedMultiplyAdd(move, Vector512.Create(take), Vector512.Load(state + i) * keep);
                velocity.Store(state + i);
                move = nesterov ? Vector512.FusedMultiplyAdd(velocity, Vector512.Create(keep), move) : velocity;
            }
            Vector512.FusedMultiplyAdd(move, Vector512.Create(rate), weight).Store(weights + i);
        }
        for (; i < count; i++)
        {
            var move = gradient[i];
            if (decay != 0)
                move = MathF.FusedMultiplyAdd(weights[i], decay, move);
            if (state != null)
            {
                var velocity = isFirst ? move : MathF.FusedMultiplyAdd(move, take, state[i] * keep);
                state[i] = velocity;
                move = nesterov ? MathF.FusedMultiplyAdd(velocity, keep, move) : velocity;
            }
            weights[i] = MathF.FusedMultiplyAdd(move, rate, weights[i]);
        }
    }
}

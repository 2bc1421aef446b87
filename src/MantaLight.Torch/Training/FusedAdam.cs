using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MantaLight.Torch.Training;

/// <summary>Adam (Kingma and Ba 2015) and AdamW (Loshchilov and Hutter 2019), as PyTorch has them.</summary>
internal sealed unsafe class FusedAdam : FusedStep
{
    private readonly double beta1;
    private readonly double beta2;
    private readonly float epsilon;
    private readonly double decay;
    private readonly bool isDecoupled;

    private FusedAdam(Parameter[] parameters, double beta1, double beta2, double epsilon, double decay, bool isDecoupled) : base(parameters, kept: 2) =>
        (this.beta1, this.beta2, this.epsilon, this.decay, this.isDecoupled) = (beta1, beta2, (float)epsilon, decay, isDecoupled);

    /// <summary>The fused form of TorchSharp's Adam or AdamW; null where a parameter or an option is not for it.</summary>
    public static FusedAdam? For(optim.Optimizer adam, Parameter[] parameters)
    {
        var group = adam.ParamGroups.First();
        var fused = !IsFor(parameters, 2) ? null : group switch
        {
            Adam.ParamGroup { Options: Adam.Options { maximize: not true, amsgrad: not true } o } =>
                new FusedAdam(parameters, o.beta1!.Value, o.beta2!.Value, o.eps!.Value, o.weight_decay!.Value, isDecoupled: false),
            AdamW.ParamGroup { Options: AdamW.Options { maximize: not true, amsgrad: not true } o } =>
                new FusedAdam(parameters, o.beta1!.Value, o.beta2!.Value, o.eps!.Value, o.weight_decay!.Value, isDecoupled: true),
            _ => null,
        };
        fused?.LearningRate = group.LearningRate;
        return fused;
    }

    // Optimized at once: an attempt may be over before the runtime finds that this is worth it.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    protected override void Update(float* weights, float* gradient, float* state, nint count, long step)
    {
        float keep1 = (float)beta1, take1 = (float)(1 - beta1), keep2 = (float)beta2, take2 = (float)(1 - beta2);
        var correction = (float)Math.Sqrt(1 - Math.Pow(beta2, step));
        var rate = (float)-(LearningRate / (1 - Math.Pow(beta1, step)));
        var penalty = isDecoupled ? 0 : (float)decay;
        var shrink = isDecoupled ? (float)(1 - (LearningRate * decay)) : 1;
        float* mean = state, square = state + count;
        if (step == 1)
            new Span<float>(state, checked((int)(2 * count))).Clear();
        nint i = 0;
        for (; i <= count - Vector512<float>.Count; i += Vector512<float>.Count)
        {
            var weight = Vector512.Load(weights + i) * shrink;
            var slope = Vector512.Load(gradient + i);
            if (penalty != 0)
                slope = Vector512.FusedMultiplyAdd(weight, Vector512.Create(penalty), slope);
            var m = Vector512.FusedMultiplyAdd(slope, Vector512.Create(take1), Vector512.Load(mean + i) * keep1);
            var v = Vector512.FusedMultiplyAdd(slope * take2, slope, Vector512.Load(square + i) * keep2);
            m.Store(mean + i);
            v.Store(square + i);
            var spread = (Vector512.Sqrt(v) / correction) + Vector512.Create(epsilon);
            (weight + (m * rate / spread)).Store(weights + i);
        }
        for (; i < count; i++)
        {
            var weight = weights[i] * shrink;
            var slope = gradient[i];
            if (penalty != 0)
                slope = MathF.FusedMultiplyAdd(weight, penalty, slope);
            mean[i] = MathF.FusedMultiplyAdd(slope, take1, mean[i] * keep1);
            square[i] = MathF.FusedMultiplyAdd(slope * take2, slope, square[i] * keep2);
            var spread = (MathF.Sqrt(square[i]) / correction) + epsilon;
            weights[i] = weight + (mean[i] * rate / spread);
        }
    }
}

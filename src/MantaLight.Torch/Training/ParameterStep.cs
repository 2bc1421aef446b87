using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MantaLight.Torch.Training;

/// <summary>What a training loop needs of an optimizer.</summary>
internal abstract class ParameterStep : IDisposable
{
    /// <summary>The rate of the steps from now on.</summary>
    public abstract double LearningRate { get; set; }

    /// <summary>The optimizer that evaluates the loss itself, as often as it likes; null for all others.</summary>
    public virtual LBFGS? Evaluating => null;

    /// <summary>SGD's momentum, where there is nothing else to the optimizer than that and a rate; null where there is.</summary>
    public double? MomentumAlone { get; private set; }

    /// <summary>SGD's momentum, whatever decay there is besides; null for other optimizers, and where steps are not plainly added up (Nesterov's, dampened ones).</summary>
    public double? Momentum { get; private set; }

    /// <summary>Moves the parameters against their gradients.</summary>
    public abstract void Step();

    public abstract void Dispose();

    /// <summary>The fused step where there is one for the optimizer and its parameters, else TorchSharp's own.</summary>
    /// <param name="hyperparameters">Which optimizer.</param>
    /// <param name="parameters">What it moves.</param>
    /// <param name="threads">Of the attempt. The fused step has one: with two, torch's several passes are done before it.</param>
    public static ParameterStep For(Hyperparameters hyperparameters, Parameter[] parameters, int threads = 1)
    {
        var values = hyperparameters.EffectiveOptimizerParams;
        var optimizer = Optimizers.Create(hyperparameters.Optimizer, parameters, values);
        ParameterStep? fused = optimizer switch
        {
            _ when threads > 1 => null,
            SGD sgd => FusedSgd.For(sgd, parameters),
            Adam or AdamW => FusedAdam.For(optimizer, parameters),
            _ => null,
        };
        var step = fused ?? new OptimizerStep(optimizer);
        step.MomentumAlone = MomentumAloneOf(optimizer);
        step.Momentum = optimizer is SGD plain && plain.ParamGroups.First() is SGD.ParamGroup { Options: { dampening: null or 0, nesterov: not true } usual } ? usual.momentum ?? 0 : null;
        if (fused is not null)
            optimizer.Dispose();
        return step;
    }

    private static double? MomentumAloneOf(optim.Optimizer optimizer) =>
        optimizer is SGD sgd && sgd.ParamGroups.First() is SGD.ParamGroup
        {
            Options: { dampening: null or 0, weight_decay: null or 0, nesterov: not true, maximize: not true } options,
        }
            ? options.momentum ?? 0
            : null;

    private sealed class OptimizerStep(optim.Optimizer optimizer) : ParameterStep
    {
        private readonly optim.ILearningRateController[] groups = optimizer is LBFGS whole ? [whole] : [.. optimizer.ParamGroups];

        public override double LearningRate
        {
            get => groups[0].LearningRate;
            set
            {
                foreach (var group in groups)
                    group.LearningRate = value;
            }
        }

        public override LBFGS? Evaluating => optimizer as LBFGS;

        public override void Step() => optimizer.step();

        public override void Dispose() => optimizer.Dispose();
    }
}

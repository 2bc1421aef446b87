using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MantaLight.Torch.Training;

/// <summary>Stochastic gradient descent with momentum whose step is a script's; the velocities are its own, zero at first. Dispose it when done.</summary>
internal sealed class ScriptedStep(LossScript script, Parameter[] parameters, double momentum) : IDisposable
{
    private readonly Tensor[] moved = parameters;
    private readonly Tensor[] velocities = Array.ConvertAll(parameters, p => zeros_like(p).DetachFromDisposeScope());

    /// <summary>Moves the parameters at a rate; the loss from before.</summary>
    public Tensor Run(Batch batch, double rate) => script.Step(batch, moved, velocities, rate, momentum);

    public void Dispose()
    {
        foreach (var velocity in velocities)
            velocity.Dispose();
    }
}

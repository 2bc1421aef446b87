using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using MantaLight.Tasks;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MantaLight.Torch.Training;

/// <summary>A model's forward and loss, or a whole step, as a TorchScript function, which torch compiles and fuses: a call in place of one for each operation.</summary>
internal sealed partial class LossScript
{
    /// <summary>How many of them a process keeps.</summary>
    internal const int Kept = 16;

    // Compiled once in a process: that takes longer than many steps. The one used last is the last.
    private static readonly List<LossScript> Known = [];

    private readonly string text;
    private readonly jit.CompilationUnit unit;
    private readonly bool hasLoss;
    private readonly bool hasStep;
    private readonly HashSet<string> warm = new(StringComparer.Ordinal);

    private LossScript(string text)
    {
        this.text = text;
        (hasLoss, hasStep) = (LossSignature.IsMatch(text), StepSignature.IsMatch(text));
        // Asked before torch is: it ends the process where a function is called that is not there or returns something else.
        if (!hasLoss && !hasStep)
        {
            throw new TaskContractException(
                "The worker's script defines neither 'def loss(samples: Tensor, targets: Tensor, parameters: List[Tensor]) -> Tensor:' nor "
                + "'def step(samples: Tensor, targets: Tensor, parameters: List[Tensor], velocities: List[Tensor], rate: float, momentum: float) -> Tensor:'.");
        }
        try
        {
            unit = jit.compile(text.EndsWith('\n') ? text : text + "\n");
        }
        catch (Exception e) when (IsTorchs(e))
        {
            throw Refused("does not compile", e);
        }
    }

    /// <summary>Compiles a script that defines <c>loss</c>, or <c>step</c>, or both, as <see cref="TorchWorker{TModel}"/> has them.</summary>
    /// <exception cref="TaskContractException">It has neither, or does not compile; the message is torch's then.</exception>
    public static LossScript Of(string text)
    {
        TorchRuntime.EnsureLoaded();
        lock (Known)
        {
            var script = Known.Find(s => s.text == text) ?? new LossScript(text);
            Known.Remove(script);
            Known.Add(script);
            // Whoever runs it still has it; its finalizer frees it.
            if (Known.Count > Kept)
                Known.RemoveAt(0);
            return script;
        }
    }

    /// <summary>
    /// Runs it twice for each size of batch that it has not seen, on copies of the parameters: the first runs are torch's to observe, the later ones may
    /// be computed in another way, and a process's first attempt must give the bits of its second.
    /// </summary>
    public void WarmUp(DataLoader loader, Parameter[] parameters)
    {
        var rest = loader.Count % loader.BatchSize;
        foreach (var size in new[] { Math.Min(loader.BatchSize, loader.Count), rest }.Where(s => s > 0).Distinct())
            WarmUp(loader.First(size), parameters);
    }

    /// <summary>The loss of a batch.</summary>
    /// <exception cref="TaskContractException">The script fails; the message is torch's.</exception>
    public Tensor Compute(Batch batch, Tensor[] parameters)
    {
        if (!hasLoss)
            throw new TaskContractException("The worker's script defines a step alone, which is for SGD with 'lr' and 'momentum' and nothing else; define 'loss' for other optimizers.");
        try
        {
            return unit.invoke<Tensor>("loss", batch.Samples, batch.Targets, parameters);
        }
        catch (Exception e) when (IsTorchs(e))
        {
            throw Refused("failed", e);
        }
    }

    /// <summary>The script's own step; null where it has none, or where the optimizer is more than a rate and a momentum.</summary>
    public ScriptedStep? StepFor(ParameterStep optimizer, Parameter[] parameters) =>
        hasStep && optimizer.MomentumAlone is { } momentum ? new ScriptedStep(this, parameters, momentum) : null;

    /// <summary>A step; the loss from before it.</summary>
    /// <exception cref="TaskContractException">The script fails; the message is torch's.</exception>
    public Tensor Step(Batch batch, Tensor[] parameters, Tensor[] velocities, double rate, double momentum)
    {
        using var noGradients = no_grad();
        try
        {
            return unit.invoke<Tensor>("step", batch.Samples, batch.Targets, parameters, velocities, rate, momentum);
        }
        catch (Exception e) when (IsTorchs(e))
        {
            throw Refused("failed", e);
        }
    }

    private void WarmUp(Batch batch, Parameter[] parameters)
    {
        using var scope = NewDisposeScope();
        using var x = batch.Samples;
        using var y = batch.Targets;
        lock (warm)
        {
            var shapes = $"{string.Join(",", x.shape)};{string.Join(";", parameters.Select(p => string.Join(",", p.shape)))}";
            if (warm.Contains(shapes))
                return;
            for (var run = 0; run < 2; run++)
            {
                var copies = Array.ConvertAll<Parameter, Tensor>(parameters, p => p.detach().clone().requires_grad_(p.requires_grad));
                if (hasStep)
                    Step(batch, copies, Array.ConvertAll(copies, c => zeros_like(c)), 0, 0);
                if (hasLoss)
                    Compute(batch, copies).backward();
            }
            // Not before: one that failed is no warmer.
            warm.Add(shapes);
        }
    }

    private static bool IsTorchs(Exception e) => e is ExternalException or ArgumentException or InvalidOperationException;

    private static TaskContractException Refused(string what, Exception e) => new($"The worker's script {what}: {e.Message}", e);

    [GeneratedRegex(@"^def loss\(\s*\w+: Tensor,\s*\w+: Tensor,\s*\w+: List\[Tensor\]\s*\) -> Tensor:", RegexOptions.Multiline)]
    private static partial Regex LossSignature { get; }

    [GeneratedRegex(@"^def step\(\s*\w+: Tensor,\s*\w+: Tensor,\s*\w+: List\[Tensor\],\s*\w+: List\[Tensor\],\s*\w+: float,\s*\w+: float\s*\) -> Tensor:", RegexOptions.Multiline)]
    private static partial Regex StepSignature { get; }
}

using System.Collections.Concurrent;
using MantaLight.Tasks;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MantaLight.Torch.Training;

/// <summary>A model's forward and loss as one TorchScript function, which torch compiles and fuses: a call in place of one for each operation.</summary>
internal sealed class LossScript
{
    private const string Function = "loss";

    // Compiled once in a process: that takes longer than many steps.
    private static readonly ConcurrentDictionary<string, LossScript> Known = new(StringComparer.Ordinal);

    private readonly jit.CompilationUnit unit;

    private LossScript(jit.CompilationUnit unit) => this.unit = unit;

    /// <summary>Compiles a script that defines <c>def loss(samples: Tensor, targets: Tensor, parameters: List[Tensor]) -> Tensor</c>.</summary>
    /// <exception cref="TaskContractException">It does not compile; the message is torch's.</exception>
    public static LossScript Of(string text)
    {
        TorchRuntime.EnsureLoaded();
        return Known.GetOrAdd(text, static script =>
        {
            try
            {
                return new LossScript(jit.compile(script.EndsWith('\n') ? script : script + "\n"));
            }
            catch (Exception e) when (e is System.Runtime.InteropServices.ExternalException or ArgumentException or InvalidOperationException)
            {
                throw new TaskContractException($"The worker's script does not compile: {e.Message}", e);
            }
        });
    }

    /// <summary>The loss of a batch.</summary>
    public Tensor Compute(Batch batch, Parameter[] parameters) => unit.invoke<Tensor>(Function, batch.Samples, batch.Targets, Array.ConvertAll<Parameter, Tensor>(parameters, p => p));
}

using System.Text.Json;
using MantaLight.Tasks;
using MantaLight.Torch.Tests.Support;
using MantaLight.Torch.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MantaLight.Torch.Tests;

/// <summary>What a step of the training loop costs of the managed heap.</summary>
public class StepMemoryTests
{
    // The handles of some twenty tensors; a batch alone would be 8,192.
    private const int Most = 1600;

    [Theory]
    [InlineData("SGD", null)]
    [InlineData("Adam", null)]
    [InlineData("Adam", Scripts.Loss)]
    [InlineData("SGD", Scripts.Step)]
    public void A_step_leaves_the_handles_of_its_tensors_on_the_managed_heap_and_little_else(string optimizer, string? script)
    {
        using var model = new TinyModel();
        Allocated(model, optimizer, script, steps: 10);
        var (few, many) = (Allocated(model, optimizer, script, steps: 10), Allocated(model, optimizer, script, steps: 110));
        Assert.InRange((many - few) / 100, 0, Most);
    }

    private static long Allocated(TinyModel model, string optimizer, string? script, int steps)
    {
        var context = new AttemptContext(_ => { })
        {
            Swarm = "s", Round = 1, MaximumRounds = 1, Node = "n", Alias = "w", Attempt = 1, Seed = 1, Threads = 1, Deadline = DateTimeOffset.MaxValue,
            Options = JsonElement.Parse("{}"), Time = TimeProvider.System,
        };
        var hyperparameters = new Hyperparameters { Optimizer = optimizer, OptimizerParams = new Dictionary<string, JsonElement> { ["lr"] = TaskJson.Write(0.01) } };
        using var loader = new DataLoader(new TensorDataset(ones(32 * steps, 8, 8, ScalarType.Byte), zeros(32 * steps, ScalarType.Int64)), 32, seed: 1);
        var loop = new TrainingLoop(model, hyperparameters, context, model.call, (output, targets, loss) => loss.Compute(output, targets), script is null ? null : LossScript.Of(script));
        var before = GC.GetAllocatedBytesForCurrentThread();
        loop.Run(loader, CancellationToken.None);
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }
}

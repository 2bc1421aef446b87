using System.Text.Json;
using MantaLight.Tasks;
using MantaLight.Torch;
using MantaLight.Torch.Native;
using MantaLight.Torch.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MantaLight.Benchmarks.Topics;

/// <summary>A worker's training without its swarm, on random digits.</summary>
internal static class LocalTraining
{
    /// <summary>An epoch of the tutorial's loop with a new model.</summary>
    public static double SamplesPerSecond(int threads, int samples, string? script)
    {
        TorchRuntime.EnsureLoaded();
        using var model = new Mlp();
        using var loader = Loader(samples);
        var outcome = Run(model, loader, "SGD", threads, script);
        return outcome.Samples / outcome.Seconds;
    }

    /// <summary>Batches of 32; dispose them when done.</summary>
    public static MantaLight.Torch.DataLoader Loader(int samples)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1);
        var x = randint(0, 256, [samples, 28, 28], dtype: ScalarType.Byte, generator: generator).DetachFromDisposeScope();
        var y = randint(0, 10, [samples], dtype: ScalarType.Int64, generator: generator).DetachFromDisposeScope();
        return new MantaLight.Torch.DataLoader(new TensorDataset(x, y), 32, seed: 1);
    }

    /// <summary>An epoch, on a thread as a worker has it.</summary>
    public static TrainingOutcome Run(Mlp model, MantaLight.Torch.DataLoader loader, string optimizer, int threads, string? script)
    {
        var context = new AttemptContext(_ => { })
        {
            Swarm = "b", Round = 1, MaximumRounds = 1, Node = "n", Alias = "w", Attempt = 1, Seed = 1, Threads = threads, Deadline = DateTimeOffset.MaxValue,
            Options = JsonElement.Parse("{}"), Time = TimeProvider.System,
        };
        var values = new Dictionary<string, JsonElement> { ["lr"] = TaskJson.Write(0.01) };
        if (optimizer == "SGD")
            values["momentum"] = TaskJson.Write(0.9);
        var hyperparameters = new Hyperparameters { Optimizer = optimizer, OptimizerParams = values };
        var compiled = script is null ? null : LossScript.Of(script);
        return TorchThread.RunAsync(
            () =>
            {
                compiled?.WarmUp(loader, [.. model.parameters()]);
                return new TrainingLoop(model, hyperparameters, context, model.call, (output, targets, loss) => loss.Compute(output, targets), compiled).Run(loader, CancellationToken.None);
            },
            threads, CancellationToken.None).GetAwaiter().GetResult();
    }
}

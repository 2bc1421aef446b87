using System.Text.Json;
using MantaLight.Benchmarks.Report;
using MantaLight.Tasks;
using MantaLight.Torch;
using MantaLight.Torch.Native;
using MantaLight.Torch.Training;
using MantaLight.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace MantaLight.Benchmarks.Topics;

/// <summary>The tutorial's model after one and after two rounds on a quarter of MNIST: a global, and what a worker makes of it.</summary>
internal static class TrainedModels
{
    /// <param name="seed">Of first weights and of the order of samples.</param>
    public static (NamedArrays Before, NamedArrays After) Create(int seed)
    {
        var folder = Directory.CreateTempSubdirectory("mantalight-codecs-").FullName;
        try
        {
            var (output, code, _, _, _) = WholeProcess.Mantalight("data", "prepare", "mnist", "--nodes", "4", "--out", folder);
            if (code != 0)
                throw new InvalidOperationException($"MNIST is not to be had:\n{output}");
            using var data = ArrayFile.ReadAsync(Directory.GetFiles(folder, "mnist.npz", SearchOption.AllDirectories).Order(StringComparer.Ordinal).First(), CancellationToken.None).GetAwaiter().GetResult();
            return TorchThread.RunAsync(() => Train(data, seed), 1, CancellationToken.None).GetAwaiter().GetResult();
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static (NamedArrays Before, NamedArrays After) Train(NamedArrays data, int seed)
    {
        TorchRuntime.EnsureLoaded();
        using var scope = NewDisposeScope();
        manual_seed(seed);
        using var model = new Mlp();
        var (x, y) = (data["x_train"], data["y_train"]);
        // It takes the data over.
        using var loader = new DataLoader(new TensorDataset(
            tensor(x.Data.ToArray(), [.. x.Shape], ScalarType.Byte).DetachFromDisposeScope(),
            tensor(y.Data.ToArray(), [.. y.Shape], ScalarType.Byte).to(ScalarType.Int64).DetachFromDisposeScope()), 32, (ulong)seed);
        var hyperparameters = new Hyperparameters { OptimizerParams = new Dictionary<string, JsonElement> { ["lr"] = TaskJson.Write(0.01), ["momentum"] = TaskJson.Write(0.9) } };
        return (Round(1), Round(2));

        NamedArrays Round(int round)
        {
            var context = new AttemptContext(_ => { })
            {
                Swarm = "b", Round = round, MaximumRounds = 2, Node = "n", Alias = "w", Attempt = 1, Seed = (ulong)seed, Threads = 1, Deadline = DateTimeOffset.MaxValue,
                Options = JsonElement.Parse("{}"), Time = TimeProvider.System,
            };
            new TrainingLoop(model, hyperparameters, context, model.call, (result, targets, loss) => loss.Compute(result, targets)).Run(loader, CancellationToken.None);
            using var weights = model.ToWeights();
            return new NamedArrays(weights.Select(w => new NamedArray(w.Name, w.Type, w.Shape, w.Data.ToArray())));
        }
    }
}

using MantaLight.Benchmarks.Report;
using MantaLight.Tasks;
using MantaLight.Torch;
using MantaLight.Torch.Native;
using MantaLight.Torch.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MantaLight.Benchmarks.Topics;

/// <summary>The tutorial's training loop, 30,000 samples a run, as a worker runs it, beside PyTorch's eager one.</summary>
internal static class TrainingTopic
{
    private const int Samples = 30_000;
    private const int Runs = 5;

    public static IEnumerable<Row> Measure()
    {
        foreach (var threads in new[] { 1, 2 }.Where(t => t <= Environment.ProcessorCount))
        {
            var own = Sample.Of(Enumerable.Range(0, Runs).Select(_ => SamplesPerSecond(threads)).ToArray());
            var count = threads.ToString(System.Globalization.CultureInfo.InvariantCulture);
            // OpenBLAS takes some processors for far older ones unless it is told.
            var figures = Peer.Run("training", [count], ("OMP_NUM_THREADS", count), ("OPENBLAS_CORETYPE", System.Runtime.Intrinsics.X86.Avx512F.IsSupported ? "SKYLAKEX" : "HASWELL"));
            var peer = figures.GetValueOrDefault("samples_per_second");
            // A peer whose matrix products are far below what this machine does is no peer.
            var rate = figures.GetValueOrDefault("gemm_gflops")?.Median ?? 0;
            var isFair = rate >= 0.7 * Gemm(threads);
            yield return new Row
            {
                Name = FormattableString.Invariant($"training.mlp_{threads}_threads"), Value = own.Median, Spread = own.Spread, Unit = "samples/s",
                Peer = peer is null ? null : "PyTorch eager", PeerValue = peer?.Median, Ratio = own.Median / peer?.Median,
                Target = "at least 1.5 x PyTorch eager", Met = peer is null || !isFair ? null : own.Median / peer.Median >= 1.5,
                Note = peer is null || isFair ? null : FormattableString.Invariant($"PyTorch's BLAS does {rate:F0} GFLOP/s here, too few to compare with: apt-get install libopenblas0-openmp."),
            };
        }
    }

    /// <summary>GFLOP/s of a product of two matrices of 1,024 x 1,024.</summary>
    private static double Gemm(int threads) => TorchThread.RunAsync(
        () =>
        {
            using var scope = NewDisposeScope();
            var (a, b) = (rand(1024, 1024), rand(1024, 1024));
            return 2 * Math.Pow(1024, 3) / Sample.Seconds(() => a.matmul(b).Dispose()).Median / 1e9;
        },
        threads, CancellationToken.None).GetAwaiter().GetResult();

    private static double SamplesPerSecond(int threads)
    {
        TorchRuntime.EnsureLoaded();
        using var scope = NewDisposeScope();
        using var generator = new Generator(1);
        using var model = new Mlp();
        var data = new TensorDataset(randint(0, 256, [Samples, 28, 28], dtype: ScalarType.Byte, generator: generator).DetachFromDisposeScope(), randint(0, 10, [Samples], dtype: ScalarType.Int64, generator: generator).DetachFromDisposeScope());
        using var loader = new DataLoader(data, 32, seed: 1);
        var context = new AttemptContext(_ => { })
        {
            Swarm = "b", Round = 1, MaximumRounds = 1, Node = "n", Alias = "w", Attempt = 1, Seed = 1, Threads = threads, Deadline = DateTimeOffset.MaxValue,
            Options = System.Text.Json.JsonElement.Parse("{}"), Time = TimeProvider.System,
        };
        var hyperparameters = new Hyperparameters { OptimizerParams = new Dictionary<string, System.Text.Json.JsonElement> { ["lr"] = TaskJson.Write(0.01), ["momentum"] = TaskJson.Write(0.9) } };
        var outcome = TorchThread.RunAsync(
            () => new TrainingLoop(model, hyperparameters, context, model.call, (output, targets, loss) => loss.Compute(output, targets)).Run(loader, CancellationToken.None), threads, CancellationToken.None).GetAwaiter().GetResult();
        return outcome.Samples / outcome.Seconds;
    }
}

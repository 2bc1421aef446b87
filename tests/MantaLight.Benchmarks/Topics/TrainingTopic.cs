using System.Globalization;
using System.Runtime.Intrinsics.X86;
using MantaLight.Benchmarks.Report;
using MantaLight.Torch.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace MantaLight.Benchmarks.Topics;

/// <summary>The tutorial's training loop, 30,000 samples a run, as a worker runs it: the module, its script, and its script's own step, in turn with PyTorch's eager one.</summary>
internal static class TrainingTopic
{
    private const int Samples = 30_000;
    private const int Runs = 5;

    // Forward and backward of a sample: the first layer needs no gradient of its input.
    private const double FlopPerSample = 2.0 * ((2 * 784 * 512) + (3 * 512 * 512) + (3 * 512 * 10));

    private static readonly (string Name, string? Script, double Target, string Words)[] Variants =
    [
        ("mlp", null, 1.5, "at least 1.5 x PyTorch eager"),
        ("script", MlpScripts.Loss, 2, "at least 2 x PyTorch eager"),
        ("script_step", MlpScripts.Step, 2, "at least 2 x PyTorch eager"),
    ];

    public static IEnumerable<Row> Measure()
    {
        foreach (var threads in new[] { 1, 2 }.Where(t => t <= Environment.ProcessorCount))
        {
            foreach (var row in Measure(threads))
                yield return row;
        }
    }

    /// <summary>The rows, without the topic's name.</summary>
    public static IReadOnlyList<string> Rows { get; } =
        [.. new[] { 1, 2 }.Where(t => t <= Environment.ProcessorCount).SelectMany(t => Variants.Select(v => string.Create(CultureInfo.InvariantCulture, $"{v.Name}_{t}_threads")))];

    private static List<Row> Measure(int threads)
    {
        var count = threads.ToString(CultureInfo.InvariantCulture);
        // OpenBLAS takes some processors for far older ones unless it is told.
        using var peer = PeerInTurn.Start("training", [count], ("OMP_NUM_THREADS", count), ("OPENBLAS_CORETYPE", Avx512F.IsSupported ? "SKYLAKEX" : "HASWELL"));
        var own = Variants.Select(_ => new List<double>()).ToArray();
        List<double> gemm = [], peers = [], peerGemm = [];
        foreach (var (_, script, _, _) in Variants)
            LocalTraining.SamplesPerSecond(threads, Samples / 10, script);
        for (var run = 0; run < Runs; run++)
        {
            for (var i = 0; i < Variants.Length; i++)
                own[i].Add(LocalTraining.SamplesPerSecond(threads, Samples, Variants[i].Script));
            gemm.Add(Gemm(threads));
            if (peer?.Run() is not { } figures)
                continue;
            peers.Add(figures["samples_per_second"]);
            peerGemm.Add(figures["gemm_gflops"]);
        }
        var (peak, beside, rate) = (Sample.Of(gemm).Median, peer is null ? null : Sample.Of(peers), peer is null ? 0 : Sample.Of(peerGemm).Median);
        // A peer whose matrix products are far below what this machine does is no peer.
        var isFair = peer is not null && rate >= 0.7 * peak;
        var note = peer is null ? null : string.Create(
            CultureInfo.InvariantCulture,
            $"{peer.Text}: {rate:F0} GFLOP/s, {(isFair ? "" : "too few to compare with (apt-get install libopenblas0-openmp), ")}here {peak:F0}; the floor is the step's products at these. PyTorch {Spread(beside!)}.");
        return
        [
            .. Variants.Select((variant, i) => (variant, Own: Sample.Of(own[i]))).Select(v => new Row
            {
                Name = $"training.{v.variant.Name}_{count}_threads", Value = v.Own.Median, Spread = v.Own.Spread, Unit = "samples/s",
                Peer = peer is null ? null : "PyTorch eager", PeerValue = beside?.Median, Floor = peak * 1e9 / FlopPerSample, Ratio = v.Own.Median / beside?.Median,
                Target = v.variant.Words, Met = isFair ? v.Own.Median / beside!.Median >= v.variant.Target : null, Note = note,
            }),
        ];
    }

    private static string Spread(Sample sample) => string.Create(CultureInfo.InvariantCulture, $"{sample.Runs[0]:N0} to {sample.Runs[^1]:N0} samples/s");

    /// <summary>GFLOP/s of a product of two matrices of 1,024 x 1,024.</summary>
    private static double Gemm(int threads) => TorchThread.RunAsync(
        () =>
        {
            using var scope = NewDisposeScope();
            var (a, b) = (rand(1024, 1024), rand(1024, 1024));
            return 2 * Math.Pow(1024, 3) / Sample.Seconds(() => a.matmul(b).Dispose(), runs: 3).Median / 1e9;
        },
        threads, CancellationToken.None).GetAwaiter().GetResult();
}

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

    private static readonly Variant[] Variants =
    [
        new("mlp", null, 1.5, "copies of batches, clearing, and passes of the optimizer over 2.68 MB are saved, and several of those are left with more than one thread."),
        new("script", MlpScripts.Loss, 2, "TorchScript saves calls, not arithmetic: the products, the gradients and the optimizer's passes over 2.68 MB are the module's."),
        new("script_step", MlpScripts.Step, 2, "the passes over the gradients are saved; weights and velocities, 2.68 MB each, are still read and written in each step."),
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
        foreach (var variant in Variants)
            LocalTraining.SamplesPerSecond(threads, Samples / 10, variant.Script);
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
        var (peak, beside, rate) = (Sample.Of(gemm), peer is null ? null : Sample.Of(peers), peer is null ? 0 : Sample.Of(peerGemm).Median);
        // A peer whose matrix products are far below what this machine does is no peer.
        var isFair = peer is not null && rate >= 0.7 * peak.Median;
        var note = peer is null ? null : string.Create(
            CultureInfo.InvariantCulture,
            $"{peer.Text}: {rate:F0} GFLOP/s, {(isFair ? "" : "too few to compare with (apt-get install libopenblas0-openmp), ")}here {peak.Median:F0}; the floor is the step's products at these.");
        return
        [
            .. Variants.Select((variant, i) => Judged(variant, isFair, (Row.Of($"training.{variant.Name}_{count}_threads", Sample.Of(own[i]), "samples/s") with
            {
                Ratio = Sample.Of(own[i]).Median / beside?.Median, Target = FormattableString.Invariant($"at least {variant.Target} x PyTorch eager"), Note = note,
            }).Above(peak.Select(p => p * 1e9 / FlopPerSample)).Beside("PyTorch eager", beside))),
        ];
    }

    private static Row Judged(Variant variant, bool isFair, Row row) => !isFair ? row : row.AtLeast(
        row.Ratio!.Value, variant.Target, $"forward and backward are products of 32 rows here and there, slower than the floor's large ones, and most of the step; {variant.Why}");

    /// <summary>GFLOP/s of a product of two matrices of 1,024 x 1,024.</summary>
    private static double Gemm(int threads) => TorchThread.RunAsync(
        () =>
        {
            using var scope = NewDisposeScope();
            var (a, b) = (rand(1024, 1024), rand(1024, 1024));
            return 2 * Math.Pow(1024, 3) / Sample.Seconds(() => a.matmul(b).Dispose(), runs: 3).Median / 1e9;
        },
        threads, CancellationToken.None).GetAwaiter().GetResult();

    /// <summary>A way to train.</summary>
    /// <param name="Name">In the row's name.</param>
    /// <param name="Script">The worker's; null for the module.</param>
    /// <param name="Target">How many times PyTorch's rate is asked for.</param>
    /// <param name="Why">What it saves and what it does not, where that is too little.</param>
    private sealed record Variant(string Name, string? Script, double Target, string Why);
}

using System.Globalization;
using System.Runtime.InteropServices;
using MantaLight.Benchmarks.Report;
using MantaLight.Torch;
using MantaLight.Weights;
using static TorchSharp.torch;

namespace MantaLight.Benchmarks.Topics;

/// <summary>A thousand rounds of one worker in one process of its own: weights in, a few steps, weights out, each with a new model, as attempts have.</summary>
internal static class Rounds
{
    private const int Parameters = 6;

    public static Row Measure()
    {
        using var process = WholeProcess.StartBenchmarks("rounds");
        var figures = process.StandardOutput.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => line.Split(' ').Select(n => double.Parse(n, CultureInfo.InvariantCulture)).ToArray()).ToDictionary(f => f[0]);
        process.WaitForExit();
        // What is in use, where the allocator tells it: what a process has from the system is its allocator's and its collector's reserve as well.
        var told = figures.Values.All(f => f[3] > 0) ? 3 : 1;
        var (first, last) = (figures[100], figures[1000]);
        var (early, late) = (figures.Values.Where(f => f[0] <= 500).Max(f => f[told]), figures.Values.Where(f => f[0] > 500).Max(f => f[told]));
        var row = new Row
        {
            Name = "training.memory_of_1000_rounds", Value = late / 1e6, Unit = "MB", Floor = early / 1e6, Ratio = late / early,
            Target = "rounds 600 to 1,000 at most 1.02 x rounds 100 to 500, and as many tensors",
            Note = string.Create(CultureInfo.InvariantCulture, $"The most {(told == 3 ? "native memory in use" : "resident memory")} of rounds 600 to 1,000; the floor is that of rounds 100 to 500. One worker's loop of weights, steps and weights. After 100 rounds {first[1] / 1e6:F0} MB resident and {first[2]} live tensors, after 1,000 {last[1] / 1e6:F0} MB and {last[2]}."),
        };
        // A tensor too many is a leak, however small.
        return last[2] > first[2] ? row.AtMost(last[2], first[2], "tensors are left over, which nobody disposes.") : row.AtMost(late / early, 1.02, "what is native and no tensor grows, or the allocator's reserves do.");
    }

    /// <summary>The bytes that are allocated and not freed, of the C library's main heap and of its large blocks; 0 where it is not glibc.</summary>
    private static ulong NativeInUse()
    {
        try
        {
            var state = AllocatorState();
            return state.InUse + state.Mapped;
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException)
        {
            return 0;
        }
    }

    [DllImport("libc", EntryPoint = "mallinfo2")]
    private static extern Allocator AllocatorState();

    // In size_t: arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks, uordblks, fordblks, keepcost.
    [StructLayout(LayoutKind.Explicit, Size = 80)]
    private struct Allocator
    {
        [FieldOffset(32)]
        public ulong Mapped;

        [FieldOffset(56)]
        public ulong InUse;
    }

    /// <summary>The process's main: after some rounds a line with their number, resident bytes, live tensors, and native bytes in use.</summary>
    public static int Run()
    {
        TorchRuntime.EnsureLoaded();
        var weights = Models.Create(1);
        using var loader = LocalTraining.Loader(160);
        for (var round = 1; round <= 1000; round++)
        {
            using (var model = new Mlp())
            {
                model.Load(weights);
                weights.Dispose();
                LocalTraining.Run(model, loader, round % 2 == 0 ? "SGD" : "Adam", threads: 1, round % 3 == 0 ? MlpScripts.Loss : null);
                using var trained = model.ToWeights();
                weights = new NamedArrays(trained.Select(w => new NamedArray(w.Name, w.Type, w.Shape, w.Data.ToArray())));
            }
            if (round % 100 != 0)
                continue;
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive);
            // A tensor that becomes a parameter is never counted off by TorchSharp.
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{round} {WholeProcess.Status(Environment.ProcessId, "VmRSS")} {Tensor.TotalCount - (Parameters * round)} {NativeInUse()}"));
        }
        return 0;
    }
}

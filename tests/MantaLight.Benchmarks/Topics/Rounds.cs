using System.Diagnostics;
using System.Globalization;
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
        using var process = Process.Start(new ProcessStartInfo("dotnet", [typeof(Rounds).Assembly.Location, "rounds"]) { RedirectStandardOutput = true })!;
        var figures = process.StandardOutput.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => line.Split(' ').Select(n => double.Parse(n, CultureInfo.InvariantCulture)).ToArray()).ToDictionary(f => f[0]);
        process.WaitForExit();
        var (early, late) = (figures[100], figures[1000]);
        return new Row
        {
            Name = "training.memory_after_1000_rounds", Value = late[1] / 1e6, Unit = "MB", Floor = early[1] / 1e6, Ratio = late[1] / early[1],
            Target = "at most 1.02 x that after 100 rounds, and as many tensors", Met = late[1] <= 1.02 * early[1] && late[2] <= early[2],
            Note = string.Create(CultureInfo.InvariantCulture, $"Resident memory; the floor is that after 100 rounds. Live tensors: {early[2]} after 100 rounds, {late[2]} after 1,000."),
        };
    }

    /// <summary>The process's main: after some rounds a line with their number, resident bytes, and live tensors.</summary>
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
            // A tensor that becomes a parameter is never counted off by TorchSharp.
            if (round % 100 == 0)
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{round} {WholeProcess.Status(Environment.ProcessId, "VmRSS")} {Tensor.TotalCount - (Parameters * round)}"));
        }
        return 0;
    }
}

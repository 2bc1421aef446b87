using System.Globalization;
using System.Text.RegularExpressions;
using MantaLight.Benchmarks.Report;

namespace MantaLight.Benchmarks.Topics;

/// <summary>A thousand rounds of four tasks on whole nodes in processes of their own, which train a small model by libtorch: whether any of them grows.</summary>
internal static partial class NodeRounds
{
    private const int Rounds = 1000;
    private const int Nodes = 2;

    // What is compared: equally many rounds after the first hundred, and at the end.
    private const int Window = 100;

    // Several times what it takes.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    public static IEnumerable<Row> Measure()
    {
        var folder = Directory.CreateTempSubdirectory("mantalight-rounds-").FullName;
        try
        {
            // 120 samples each: a round is to be short.
            var (output, code, _, _, _) = WholeProcess.Mantalight("data", "prepare", "mnist", "--nodes", "500", "--out", folder);
            if (code != 0)
                throw new InvalidOperationException($"MNIST is not to be had:\n{output}");
            var (early, late) = Run(folder);
            var (name, ratio) = late.Keys.Where(n => n != "run").Select(n => (Name: n, Ratio: (double)late[n].Anonymous / early[n].Anonymous)).MaxBy(n => n.Ratio);
            yield return new Row
            {
                Name = "training.nodes_memory_of_1000_rounds", Value = late[name].Anonymous / 1e6, Unit = "MB", Floor = early[name].Anonymous / 1e6, Ratio = ratio,
                Target = "rounds 901 to 1,000 at most 1.1 x rounds 101 to 200",
                Note = $"The most that is not of files, of the process that grew most; the floor is that of rounds 101 to 200. Two nodes and a broker, the 2NN (784-200-200-10), four batches a round. {string.Join(", ", late.Keys.Order(StringComparer.Ordinal).Select(n => Growth(n, early[n], late[n])))}; run keeps each round's results for its summary.",
            }.AtMost(ratio, 1.1, "it grows. What collections have left to do is not the same at any time, for which the target leaves a tenth.");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static (IReadOnlyDictionary<string, Peak> Early, IReadOnlyDictionary<string, Peak> Late) Run(string data)
    {
        using var broker = BrokerProcess.TryStart("embedded")!;
        using var run = WholeProcess.Start(
            "run", Path.Combine(AppContext.BaseDirectory, "two_layers.json"), "--nodes", Nodes.ToString(CultureInfo.InvariantCulture), "--processes", "--broker", broker.Uri,
            "--data", data, "--rounds", Rounds.ToString(CultureInfo.InvariantCulture), "--set", "hyperparameters.batch_size=32");
        using var patience = new Timer(_ => Children.Kill(run), null, Patience, Timeout.InfiniteTimeSpan);
        using var watch = new MemoryWatch((broker.ProcessId, "broker"), (run.Id, "run"));
        IReadOnlyDictionary<string, Peak>? early = null, late = null;
        while (run.StandardOutput.ReadLine() is { } line)
        {
            if (Round.Match(line) is not { Success: true } match)
                continue;
            switch (int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture))
            {
                case Window or Rounds - Window:
                    watch.Take();
                    break;
                case 2 * Window:
                    early = watch.Take();
                    break;
                case Rounds:
                    late = watch.Take();
                    break;
            }
        }
        run.WaitForExit();
        Children.ThrowIfEnded();
        return run.ExitCode == 0 && early is not null && late is not null ? (early, late) : throw new InvalidOperationException($"The run of {Rounds} rounds ended with {run.ExitCode}.");
    }

    private static string Growth(string name, Peak early, Peak late) =>
        string.Create(CultureInfo.InvariantCulture, $"{name} from {early.Anonymous / 1e6:F0} to {late.Anonymous / 1e6:F0} MB");

    [GeneratedRegex(@"^Round (\d+) Results")]
    private static partial Regex Round { get; }
}

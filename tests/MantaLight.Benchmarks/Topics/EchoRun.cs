using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using MantaLight.Benchmarks.Report;

namespace MantaLight.Benchmarks.Topics;

/// <summary>A whole run without training: what the rounds took, and what the processes needed.</summary>
internal sealed partial record EchoRun
{
    // Several times what the largest takes.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);

    /// <summary>Seconds of each round that counts.</summary>
    public required Sample Rounds { get; init; }

    /// <summary>The peaks of <c>run</c>, of <c>broker</c>, and of each node that had a process.</summary>
    public required IReadOnlyDictionary<string, Peak> Peaks { get; init; }

    /// <summary>The broker's memory before anything had come, in bytes.</summary>
    public required long BrokerAtFirst { get; init; }

    /// <summary>The nodes that aggregated.</summary>
    public required IReadOnlyCollection<string> Aggregators { get; init; }

    /// <summary>Runs one.</summary>
    /// <param name="broker">The broker's kind.</param>
    /// <param name="definition">The definition's file, beside this program.</param>
    /// <param name="nodes">How many.</param>
    /// <param name="parameters">How many float32 the model has.</param>
    /// <param name="rounds">How many rounds are counted.</param>
    /// <param name="processes">Whether each node has a process of its own.</param>
    /// <param name="warmUp">How many rounds come before those that count: code is compiled while it runs.</param>
    /// <returns>Null, with a word on standard error, where that is not possible here.</returns>
    public static EchoRun? Of(string broker, string definition, int nodes, long parameters, int rounds, bool processes, int warmUp = 1)
    {
        using var running = BrokerProcess.TryStart(broker);
        if (running is null)
            return null;
        var first = WholeProcess.Status(running.ProcessId, "VmRSS");
        var report = Path.Combine(Path.GetTempPath(), $"mantalight-echo-{Environment.ProcessId}.json");
        using var run = WholeProcess.Start(
        [
            "run", Path.Combine(AppContext.BaseDirectory, definition), "--nodes", Text(nodes), "--set", $"parameters={Text(parameters)}", "--rounds", Text(rounds + warmUp),
            "--broker", running.Uri, "--json", report, .. processes ? ["--processes"] : Array.Empty<string>(),
        ]);
        using var watch = new MemoryWatch((running.ProcessId, "broker"), (run.Id, "run"));
        var reading = run.StandardOutput.ReadToEndAsync();
        if (!run.WaitForExit(Patience))
            Children.Kill(run);
        var output = reading.GetAwaiter().GetResult();
        run.WaitForExit();
        var peaks = watch.End();
        Children.ThrowIfEnded();
        if (run.ExitCode != 0)
        {
            Console.Error.WriteLine($"The run of {nodes} nodes with {parameters} parameters on {broker} failed:\n{output[^Math.Min(output.Length, 2000)..]}");
            return null;
        }
        using var document = JsonDocument.Parse(File.ReadAllBytes(report));
        File.Delete(report);
        return new EchoRun
        {
            Rounds = Sample.Of(document.RootElement.GetProperty("rounds").EnumerateArray().Skip(warmUp).Select(r => r.GetProperty("overhead_seconds").GetDouble()).ToArray()),
            Peaks = peaks,
            BrokerAtFirst = first,
            Aggregators = [.. Aggregating.Matches(output).Select(m => m.Groups[1].Value).Distinct()],
        };
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    [GeneratedRegex(@"aggregator_\d+ - COMPLETED - (\S+)")]
    private static partial Regex Aggregating { get; }
}

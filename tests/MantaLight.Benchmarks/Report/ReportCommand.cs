using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace MantaLight.Benchmarks.Report;

/// <summary><c>report</c>: measures, and writes <c>benchmarks.md</c> and <c>benchmarks.json</c>.</summary>
internal static class ReportCommand
{
    private const int Usage = 2;
    private const int Cancelled = 130;

    /// <summary>How many whole runs a figure of whole processes is the median of.</summary>
    public static int Runs { get; private set; } = 3;

    /// <summary>Runs the command line.</summary>
    /// <returns>0 when all that was asked for was measured; 1 where a row could not be; 2 for a name that there is not; 130 when it was cancelled.</returns>
    public static async Task<int> InvokeAsync(string[] arguments, IReadOnlyList<Topic> topics)
    {
        var only = new Option<string[]>("--only") { Description = "A topic's or a row's name; may be repeated. Other rows stay as they were [default: all]", HelpName = "TOPIC|ROW" };
        only.Validators.Add(result =>
        {
            foreach (var name in Topic.Unknown([.. result.Tokens.Select(t => t.Value)], topics))
                result.AddError($"There is nothing called '{name}' to measure. {Names(topics, name.Split('.')[0])}");
        });
        var runs = new Option<int>("--runs") { Description = "How many whole runs a figure of whole processes is the median of.", HelpName = "N", DefaultValueFactory = _ => Runs };
        runs.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && int.TryParse(result.Tokens[0].Value, out var n) && n is < 1 or > 100)
                result.AddError($"--runs {n} is not possible; 1 to 100 are.");
        });
        var output = new Option<string>("--out") { Description = "The folder of both files.", HelpName = "FOLDER", DefaultValueFactory = _ => "docs" };
        var report = new Command("report", "Measures MantaLight beside its peers, and writes benchmarks.md and benchmarks.json.") { only, runs, output };
        report.SetAction((parsed, cancellationToken) =>
        {
            Runs = parsed.GetValue(runs);
            return MeasureAsync(topics, (parsed.GetValue(only) ?? []).ToHashSet(StringComparer.Ordinal), parsed.GetValue(output)!, cancellationToken);
        });
        var root = new RootCommand("What MantaLight costs. Anything but 'report' goes to BenchmarkDotNet, for example --filter '*'.") { report };
        var help = root.Options.OfType<HelpOption>().Single();
        help.Action = new HelpWithExamples((HelpAction)help.Action!, topics);
        var command = root.Parse(arguments);
        if (command.Action is ParseErrorAction refusal)
        {
            refusal.ShowHelp = false;
            await command.InvokeAsync();
            return Usage;
        }
        return await command.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = true }, CancellationToken.None);
    }

    private static async Task<int> MeasureAsync(IReadOnlyList<Topic> topics, HashSet<string> wanted, string folder, CancellationToken cancellationToken)
    {
        await using var cancelling = cancellationToken.Register(Children.End);
        var missing = topics.SelectMany(t => t.Rows).Where(r => wanted.Count == 0 || wanted.Contains(r) || wanted.Contains(r.Split('.')[0])).ToHashSet(StringComparer.Ordinal);
        try
        {
            // On a thread of its own: most of it waits for processes.
            await Task.Run(() => Measure(topics, wanted, folder, missing), CancellationToken.None);
        }
        catch (Exception) when (cancellationToken.IsCancellationRequested)
        {
            Console.Error.WriteLine("Cancelled; what had been measured before is written.");
            return Cancelled;
        }
        finally
        {
            Children.Clear();
        }
        if (missing.Count > 0)
            Console.Error.WriteLine($"Not measured: {string.Join(", ", missing.Order(StringComparer.Ordinal))}");
        return missing.Count > 0 ? 1 : 0;
    }

    private static void Measure(IReadOnlyList<Topic> topics, HashSet<string> wanted, string folder, HashSet<string> missing)
    {
        foreach (var (topic, measurement) in topics.SelectMany(t => t.Wanted(wanted).Select(m => (t, m))))
        {
            Console.WriteLine($"Measuring {topic.Name}: {string.Join(", ", measurement.Rows)}");
            try
            {
                foreach (var row in measurement.Measure(Runs).Where(r => topic.Wants(wanted, r)))
                {
                    Children.ThrowIfEnded();
                    Console.WriteLine($"  {row.Name}: {Markdown.Number(row.Value)} {row.Unit}{(row.Met is { } met ? met ? ", met" : ", MISSED" : "")}");
                    missing.Remove(row.Name);
                    // After each row: what was measured is not lost with what fails later.
                    ReportFiles.Write(folder, topics, [row], DateTimeOffset.UtcNow);
                }
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                // The others can still be measured.
                Children.ThrowIfEnded();
                Console.Error.WriteLine($"Measuring {topic.Name} failed: {e}");
            }
        }
    }

    private static string Names(IReadOnlyList<Topic> topics, string named) =>
        topics.FirstOrDefault(t => t.Name == named) is { } topic ? $"Its rows are: {string.Join(", ", topic.Rows)}." : $"Topics are: {string.Join(", ", topics.Select(t => t.Name))}; --help lists their rows.";

    private sealed class HelpWithExamples(HelpAction help, IReadOnlyList<Topic> topics) : SynchronousCommandLineAction
    {
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            var code = help.Invoke(parseResult);
            var text = parseResult.InvocationConfiguration.Output;
            text.WriteLine("Examples:\n  report\n  report --only weights --only overhead\n  report --only idle.node_memory --out /tmp/report\n");
            text.WriteLine("Topics and rows:");
            foreach (var topic in topics)
                text.WriteLine($"  {topic.Name}: {topic.About}\n    {string.Join(", ", topic.Rows)}");
            return code;
        }
    }
}

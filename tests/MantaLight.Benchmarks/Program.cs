using BenchmarkDotNet.Running;
using MantaLight.Benchmarks;
using MantaLight.Benchmarks.Report;
using MantaLight.Benchmarks.Tasks;
using MantaLight.Benchmarks.Topics;

// dotnet run -c Release --project tests/MantaLight.Benchmarks -- report [--only TOPIC]
// dotnet run -c Release --project tests/MantaLight.Benchmarks -- --filter '*'
(string Name, Func<IEnumerable<Row>> Measure)[] topics =
[
    ("weights", WeightsTopic.Measure), ("aggregation", AggregationTopic.Measure), ("training", TrainingTopic.Measure), ("transport", TransportTopic.Measure),
    ("overhead", OverheadTopic.Measure), ("simulate", SimulateTopic.Measure),
];
if (args is ["aggregate", ..])
    return await AggregateProcess.RunAsync(args[1..]);
if (args is not ["report", ..])
{
    BenchmarkSwitcher.FromAssembly(typeof(WeightsBenchmarks).Assembly).Run(args);
    return 0;
}
var only = args is [_, "--only", var topic] ? topic : null;
if (args.Length is not (1 or 3) || (only is not null && topics.All(t => t.Name != only)))
{
    Console.Error.WriteLine($"report [--only TOPIC]; topics: {string.Join(", ", topics.Select(t => t.Name))}");
    return 2;
}
var folder = Path.Combine(Environment.CurrentDirectory, "docs");
foreach (var (name, measure) in topics.Where(t => only is null || t.Name == only))
{
    Console.WriteLine($"Measuring {name}");
    var rows = new List<Row>();
    foreach (var row in measure())
    {
        rows.Add(row);
        Console.WriteLine($"  {row.Name}: {row.Value:G4} {row.Unit}{(row.Met is { } met ? met ? ", met" : ", not met" : "")}");
    }
    // After each topic: what was measured is not lost with what fails later.
    ReportFiles.Write(folder, rows, DateTimeOffset.UtcNow);
}
return 0;

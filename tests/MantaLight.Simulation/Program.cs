using System.Diagnostics;
using MantaLight.Simulation;

var first = long.Parse(args.ElementAtOrDefault(0) ?? "1");
var count = int.Parse(args.ElementAtOrDefault(1) ?? "1");
var undisturbed = args.Contains("-u");
var watch = Stopwatch.StartNew();
var violations = 0;
var ends = new SortedDictionary<string, int>();
for (var seed = first; seed < first + count; seed++)
{
    var plan = HistoryPlan.Of(seed);
    if (undisturbed)
        plan = plan.Undisturbed();
    var outcome = History.Run(plan, args.Contains("-t"));
    if (args.Contains("-t"))
        Console.WriteLine(string.Join('\n', outcome.Lines));
    if (outcome.Violation is not null)
        violations++;
    foreach (var e in outcome.Ends) ends[e.ToString()] = ends.GetValueOrDefault(e.ToString()) + 1;
    if (outcome.Violation is not null || count < 30)
    Console.WriteLine($"{seed}: {outcome.TraceHash} {string.Join(',', outcome.Ends)} {outcome.Ended} steps {outcome.Steps} messages {outcome.Messages} bytes {outcome.Bytes} attempts {outcome.Attempts} commits {outcome.Commits} partial {outcome.Partial} {outcome.Violation}");
}
Console.WriteLine(string.Join(", ", ends));
Console.WriteLine($"{count} histories, {violations} violations in {watch.Elapsed}, pool {ThreadPool.CompletedWorkItemCount}");

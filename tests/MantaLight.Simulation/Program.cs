using System.Diagnostics;
using MantaLight.Simulation;

var first = long.Parse(args.ElementAtOrDefault(0) ?? "1");
var count = int.Parse(args.ElementAtOrDefault(1) ?? "1");
var undisturbed = args.Contains("-u");
var watch = Stopwatch.StartNew();
var violations = 0;
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
    Console.WriteLine($"{seed}: {outcome.TraceHash} {string.Join(',', outcome.Ends)} {outcome.Ended} steps {outcome.Steps} messages {outcome.Messages} bytes {outcome.Bytes} attempts {outcome.Attempts} commits {outcome.Commits} partial {outcome.Partial} {outcome.Violation}");
}
Console.WriteLine($"{count} histories, {violations} violations in {watch.Elapsed}");

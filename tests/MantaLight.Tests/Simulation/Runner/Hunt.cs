using System.Diagnostics;
using System.Globalization;
using MantaLight.Protocol;

namespace MantaLight.Simulation;

/// <summary>Runs many histories and tells what must not have happened.</summary>
internal sealed class Hunt(HuntArguments arguments, TextWriter output)
{
    private static readonly TimeSpan ProgressInterval = TimeSpan.FromSeconds(10);

    private readonly Stopwatch watch = Stopwatch.StartNew();
    private readonly SortedDictionary<RunStatus, long> ends = [];
    private long done;
    private long violations;
    private long commits;
    private long audits;
    private long finals;
    private long memories;
    private long buffers;
    private long late;
    private readonly Tally faults = new();
    private TimeSpan told;

    /// <summary>The process's exit code.</summary>
    public int Run()
    {
        Batch.Run(arguments.FirstSeed, arguments.Seeds, arguments.Threads, Change, outcome =>
        {
            Tell(outcome);
            return true;
        }, arguments.Trace);
        output.WriteLine($"runs ended: {string.Join(", ", ends.Select(e => $"{e.Value} {e.Key.ToString().ToLowerInvariant()}"))}; {commits} commits of globals, {audits} audits, {finals} last globals compared, {memories} memories after a loss, {buffers} buffers with {late} late records; {Rate()}");
        output.WriteLine($"faults: {string.Join(", ", faults.Counts.Select(f => $"{f.Value} {f.Key}"))}");
        output.WriteLine($"{arguments.Seeds} histories, {violations} violations");
        return violations > 0 ? 1 : 0;
    }

    private HistoryPlan Change(HistoryPlan plan)
    {
        plan = arguments.NoBarriers ? plan.WithoutBarriers() : plan;
        return (arguments.Undisturbed ? plan.Undisturbed() : plan) with { Mutation = arguments.Mutation };
    }

    private void Tell(Outcome outcome)
    {
        done++;
        commits += outcome.Commits;
        audits += outcome.Audits;
        finals += outcome.Finals;
        memories += outcome.Memories;
        buffers += outcome.Buffers;
        late += outcome.Late;
        faults.Add(outcome.Faults);
        foreach (var end in outcome.Ends)
            ends[end] = ends.GetValueOrDefault(end) + 1;
        foreach (var line in outcome.Lines)
            output.WriteLine(line);
        if (outcome.Violation is { } violation)
        {
            violations++;
            output.WriteLine($"seed {outcome.Seed}: {violation}");
            output.WriteLine($"  replay: dotnet run -c Release --project tests/MantaLight.Simulation -- --first-seed {outcome.Seed} --seeds 1 --trace{Switches}");
        }
        if (arguments.Trace)
            output.WriteLine($"seed {outcome.Seed}: trace {outcome.TraceHash}, ended after {outcome.Ended.TotalSeconds:0} s as {string.Join(", ", outcome.Ends)}");
        if (watch.Elapsed - told < ProgressInterval)
            return;
        told = watch.Elapsed;
        output.WriteLine($"{done} of {arguments.Seeds} histories, {violations} violations, {Rate()}");
    }

    private string Switches => $"{(arguments.Mutation == Mutation.None ? "" : $" --mutation {arguments.Mutation}")}{(arguments.Undisturbed ? " --undisturbed" : "")}{(arguments.NoBarriers ? " --no-barriers" : "")}";

    private string Rate() => string.Create(CultureInfo.InvariantCulture, $"{done / watch.Elapsed.TotalSeconds:0} a second");
}

using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using MantaLight.Protocol;

namespace MantaLight.Simulation;

/// <summary>Runs one history after the other on each of some threads, and tells what must not have happened.</summary>
internal sealed class Hunt(HuntArguments arguments, TextWriter output)
{
    private static readonly TimeSpan ProgressInterval = TimeSpan.FromSeconds(10);

    private readonly Stopwatch watch = Stopwatch.StartNew();
    private readonly ConcurrentDictionary<RunStatus, long> ends = new();
    private readonly Lock gate = new();
    private long next = -1;
    private long done;
    private long violations;
    private long commits;
    private TimeSpan told;

    /// <summary>The process's exit code.</summary>
    public int Run()
    {
        // Threads of their own: nothing of a history may run on the pool, and what would is seen.
        Thread[] threads = [.. Enumerable.Range(0, arguments.Threads).Select(_ => new Thread(Work))];
        foreach (var thread in threads)
            thread.Start();
        foreach (var thread in threads)
            thread.Join();
        output.WriteLine($"runs ended: {string.Join(", ", ends.OrderBy(e => e.Key).Select(e => $"{e.Value} {e.Key.ToString().ToLowerInvariant()}"))}; {commits} commits of globals; {Rate()}");
        output.WriteLine($"{arguments.Seeds} histories, {violations} violations");
        return violations > 0 ? 1 : 0;
    }

    private void Work()
    {
        while (Interlocked.Increment(ref next) is var index && index < arguments.Seeds)
        {
            var plan = HistoryPlan.Of(arguments.FirstSeed + index);
            if (arguments.Undisturbed)
                plan = plan.Undisturbed();
            Tell(History.Run(plan with { Mutation = arguments.Mutation }, arguments.Trace));
        }
    }

    private void Tell(Outcome outcome)
    {
        lock (gate)
        {
            done++;
            commits += outcome.Commits;
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
    }

    private string Switches => $"{(arguments.Mutation == Mutation.None ? "" : $" --mutation {arguments.Mutation}")}{(arguments.Undisturbed ? " --undisturbed" : "")}";

    private string Rate() => string.Create(CultureInfo.InvariantCulture, $"{done / watch.Elapsed.TotalSeconds:0} a second");
}

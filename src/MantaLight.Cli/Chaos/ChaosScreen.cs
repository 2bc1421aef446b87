using System.Globalization;
using MantaLight.Cli.Chaos.Faults;
using MantaLight.Cli.Chaos.Plan;
using MantaLight.Cli.Watching;
using Spectre.Console;

namespace MantaLight.Cli.Chaos;

/// <summary>Shows a trial: a line for each thing that happened and, on a terminal, what happens now.</summary>
internal sealed class ChaosScreen(CliConsole console, StatusContext? status)
{
    private static readonly string[] Headings = ["Fault", "Times", "Median s", "Max s"];

    /// <summary>Shows some work.</summary>
    public static Task<T> ShowAsync<T>(CliConsole console, Func<ChaosScreen, Task<T>> work) => console.Rich is { } rich
        ? rich.Status().StartAsync("Starting", status => work(new ChaosScreen(console, status)))
        : work(new ChaosScreen(console, null));

    /// <summary>Tells what happens now.</summary>
    public void Now(string what)
    {
        if (status is not null)
            status.Status(Markup.Escape(what));
    }

    /// <summary>Tells what has happened.</summary>
    public void Say(string what)
    {
        if (console.Rich is { } rich)
            rich.Write(new Text($"{what}{Environment.NewLine}"));
        else
            console.Out.WriteLine(what);
    }

    /// <summary>Tells of a fault that is over.</summary>
    public void Say(PlannedFault fault, FaultOutcome outcome, int faults) => Say(string.Create(
        CultureInfo.InvariantCulture,
        $"Fault {fault.Number}/{faults}: round {fault.Round}, {fault.Alias}: {fault.Kind.Name}{(outcome.Target is { } target ? $" {target}" : "")}{(outcome.Note is { } note ? $", {note}" : "")}: {(outcome.Seconds is { } seconds ? $"recovered in {seconds:F1} s" : "the run had completed before")}"));

    /// <summary>Sums up.</summary>
    public static void WriteSummary(CliConsole console, ChaosReport report)
    {
        string[][] rows = [.. report.Happened.GroupBy(f => f.Kind).OrderBy(g => g.Key, StringComparer.Ordinal).Select(g => Row(g.Key, g.Count(), report.Recoveries.GetValueOrDefault(g.Key)))];
        if (console.Rich is { } rich)
        {
            var table = new Table().RoundedBorder();
            foreach (var heading in Headings)
                table.AddColumn(heading);
            foreach (var row in rows)
                table.AddRow(row);
            rich.Write(table);
        }
        else
        {
            foreach (var row in rows.Prepend(Headings))
                console.Out.WriteLine($"{row[0],-20} {row[1],6} {row[2],9} {row[3],7}");
        }
        foreach (var (kind, why) in report.NotPossible)
            console.Out.WriteLine($"Not possible here: {kind}: {why}");
        if (report.Idle > 0)
            console.Out.WriteLine($"{report.Idle} of {report.Faults} faults met nothing under way: {string.Join(", ", report.Happened.Where(f => f.Idle).GroupBy(f => f.Kind).OrderBy(g => g.Key, StringComparer.Ordinal).Select(g => $"{g.Count()} {g.Key}"))}.");
        console.Out.WriteLine($"{report.AtWork} of {report.Faults} faults found the one they struck in the middle of its work.");
        console.Out.WriteLine($"Rounds lost: {report.RoundsLost} of {report.Rounds}. Attempts executed again: {report.ReexecutedAttempts}.");
        console.Out.WriteLine($"Final global: {Texts.Hash(report.GlobalSha256)}; undisturbed: {Texts.Hash(report.UndisturbedSha256)}: {(report.HashEqual ? "equal" : "DIFFERENT")}.");
        foreach (var problem in report.Problems)
            console.WriteError(problem);
        if (report.Logs is { } logs)
            console.Error.WriteLine($"Logs: {logs}");
        console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"Chaos {(report.Passed ? "passed" : "FAILED")}: {report.Faults} of {report.Planned} faults on {report.Broker}, {report.Nodes} nodes, {report.Rounds} rounds, seed {report.Seed}, {report.Seconds:F0} s (undisturbed {report.UndisturbedSeconds:F0} s)"));
    }

    private static string[] Row(string kind, int count, Recoveries? recoveries) =>
        [kind, $"{count}", recoveries is null ? "-" : Texts.Seconds(recoveries.MedianSeconds), recoveries is null ? "-" : Texts.Seconds(recoveries.MaximumSeconds)];
}

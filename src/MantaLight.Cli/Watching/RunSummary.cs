using System.Globalization;

namespace MantaLight.Cli.Watching;

/// <summary>The end of a run: a table of its rounds, and why it ended.</summary>
internal static class RunSummary
{
    /// <summary>Writes it.</summary>
    public static void Write(CliConsole console, IReadOnlyList<RoundView> rounds, RunReport report)
    {
        WriteRounds(console, rounds);
        if (rounds.LastOrDefault(r => r.Summary!.Spread is not null) is { } last)
        {
            console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Nodes in round {last.Number}:"));
            foreach (var line in SpreadLines.Of(last))
                console.Out.WriteLine($"- {line}");
        }
        var reason = report.Reason is { } why ? $": {Texts.Line(why)}" : "";
        console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"Swarm {report.Swarm} {report.Status}{reason} ({rounds.Count} {(rounds.Count == 1 ? "round" : "rounds")}, {report.Seconds:F1} s, {Texts.Bytes(report.BytesUp)} up, {Texts.Bytes(report.BytesDown)} down)"));
    }

    /// <summary>Writes the table, and what the rounds have spent of privacy.</summary>
    public static void WriteRounds(CliConsole console, IReadOnlyList<RoundView> rounds)
    {
        if (rounds.Count == 0)
            return;
        console.Out.WriteLine();
        if (console.Rich is { } rich)
            rich.Write(RoundTable.Rich(rounds));
        else
            RoundTable.WritePlain(console.Out, rounds);
        foreach (var privacy in PrivacyReport.After(rounds))
            console.Out.WriteLine(privacy.Text);
    }
}

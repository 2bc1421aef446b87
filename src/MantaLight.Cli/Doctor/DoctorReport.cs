using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using Spectre.Console;

namespace MantaLight.Cli.Doctor;

/// <summary>Findings for people, a line each, and for machines.</summary>
internal sealed record DoctorReport
{
    public required int Ok { get; init; }
    public required int Warnings { get; init; }
    public required int Problems { get; init; }
    public required ImmutableArray<Finding> Findings { get; init; }

    public static DoctorReport Of(IReadOnlyCollection<Finding> findings) => new()
    {
        Ok = findings.Count(f => f.Verdict == Verdict.Ok),
        Warnings = findings.Count(f => f.Verdict == Verdict.Warning),
        Problems = findings.Count(f => f.Verdict == Verdict.Problem),
        Findings = [.. findings],
    };

    public static void Write(CliConsole console, Finding finding)
    {
        var (word, color) = finding.Verdict switch
        {
            Verdict.Ok => ("ok", Color.Green),
            Verdict.Warning => ("warning", Color.Yellow),
            _ => ("problem", Color.Red),
        };
        var line = $" {finding.Area}, {finding.Check}: {finding.Found}";
        if (console.Rich is { } rich)
        {
            rich.Write(new Text(word.PadRight(7), new Style(color)));
            console.Out.WriteLine(line);
        }
        else
        {
            console.Out.WriteLine(word.PadRight(7) + line);
        }
        if (finding.Remedy is { } remedy)
            console.Out.WriteLine($"        -> {remedy}");
        console.Out.Flush();
    }

    public void WriteSum(CliConsole console) => console.Out.WriteLine(
        Problems > 0 ? $"{Problems} {(Problems == 1 ? "problem" : "problems")}, {Warnings} {(Warnings == 1 ? "warning" : "warnings")}, {Ok} ok."
        : Warnings > 0 ? $"No problem, {Warnings} {(Warnings == 1 ? "warning" : "warnings")}, {Ok} ok."
        : $"All {Ok} checks are ok.");

    public string ToJson() => JsonSerializer.Serialize(this, DoctorJson.Default.DoctorReport);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true, NewLine = "\n", Converters = [typeof(VerdictNames)])]
[JsonSerializable(typeof(DoctorReport))]
internal sealed partial class DoctorJson : JsonSerializerContext;

/// <summary>Verdicts as they are printed.</summary>
internal sealed class VerdictNames() : JsonStringEnumConverter<Verdict>(JsonNamingPolicy.SnakeCaseLower, allowIntegerValues: false);

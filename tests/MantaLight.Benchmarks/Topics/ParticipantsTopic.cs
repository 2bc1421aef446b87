using System.Globalization;
using System.Text.RegularExpressions;
using MantaLight.Benchmarks.Report;

namespace MantaLight.Benchmarks.Topics;

/// <summary>10 to 10,000 participants in one process, no training; a hundred of them at most take part in a round.</summary>
internal static partial class ParticipantsTopic
{
    private const int AskedAtMost = 100;
    private const int Rounds = 20;
    private static readonly int[] Sizes = [10, 100, 1000, 10_000];

    /// <summary>One for each size.</summary>
    public static IReadOnlyList<Measurement> Measurements =>
        [.. Sizes.Select(n => new Measurement([Name(n, "cost"), Name(n, "memory")], () => Measure(n)))];

    private static IEnumerable<Row> Measure(int participants)
    {
        var fraction = Math.Min(1, (double)AskedAtMost / participants).ToString(CultureInfo.InvariantCulture);
        var runs = Enumerable.Range(0, ReportCommand.Runs).Select(_ => WholeProcess.Mantalight(
            "simulate", Path.Combine(AppContext.BaseDirectory, "echo.json"), "--participants", participants.ToString(CultureInfo.InvariantCulture), "--fraction", fraction,
            "--rounds", Rounds.ToString(CultureInfo.InvariantCulture), "--set", "parameters=10000")).ToArray();
        if (runs.FirstOrDefault(r => r.Code != 0 || !Rate.IsMatch(r.Output)) is { Output: not null } failed)
        {
            Console.Error.WriteLine($"The simulation of {participants} participants failed:\n{failed.Output}");
            yield break;
        }
        var costs = Sample.Of(runs.Select(r => 60_000 / double.Parse(Rate.Match(r.Output).Groups[1].Value, NumberStyles.Number, CultureInfo.InvariantCulture)));
        yield return Row.Of($"participants.{Name(participants, "cost")}", costs, "ms") with { Point = new Point("participants", participants, "cost of a round for each that is asked") };
        var peaks = Sample.Of(runs.Select(r => r.Peak / 1e6));
        yield return Row.Of($"participants.{Name(participants, "memory")}", peaks, "MB") with { Point = new Point("participants", participants, "memory") };
    }

    private static string Name(int participants, string what) => FormattableString.Invariant($"{participants:D5}_{what}");

    [GeneratedRegex(@"([\d,]+) a minute")]
    private static partial Regex Rate { get; }
}

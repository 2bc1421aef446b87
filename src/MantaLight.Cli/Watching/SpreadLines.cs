using System.Globalization;
using MantaLight.Protocol;

namespace MantaLight.Cli.Watching;

/// <summary>How far apart the nodes of a round are, in words: one line for each metric.</summary>
internal static class SpreadLines
{
    /// <summary>The lines; none where fewer than two nodes tested.</summary>
    public static IReadOnlyList<string> Of(RoundView round) => round.Summary?.Spread is { IsDefault: false } spreads
        ? [.. spreads.Where(s => s is { Nodes: > 1, Deciles.Length: 11 }).Select(Of)]
        : [];

    private static string Of(MetricSpread spread)
    {
        var name = spread.Metric[(spread.Metric.LastIndexOf('.') + 1)..];
        string Text(double value) => name == "accuracy" ? Texts.Percent(value) : Texts.Loss(value);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{Texts.Title(Texts.Line(name))} of {spread.Nodes} nodes: worst {Text(spread.Worst)} ({Texts.Line(spread.WorstNode)}), a tenth below {Text(spread.Deciles[1])}, half below {Text(spread.Deciles[5])}, a tenth above {Text(spread.Deciles[9])}, standard deviation {Text(spread.StandardDeviation)}");
    }
}

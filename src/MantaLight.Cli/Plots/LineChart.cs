using ScottPlot;

namespace MantaLight.Cli.Plots;

/// <summary>A line of a chart.</summary>
/// <param name="Name">In the legend.</param>
/// <param name="X">Where.</param>
/// <param name="Y">How much; as many.</param>
/// <param name="Range">The least and the most around it, shown as a band; null where there is one value.</param>
internal sealed record ChartLine(string Name, double[] X, double[] Y, (double[] Low, double[] High)? Range = null);

/// <summary>Lines over rounds.</summary>
internal static class LineChart
{
    private const int Width = 900;
    private const int Height = 540;

    /// <summary>Writes the chart to each of the files.</summary>
    /// <exception cref="InvalidSettingException">A file cannot be written.</exception>
    public static void Write(string title, string below, string beside, IReadOnlyList<ChartLine> lines, params IEnumerable<string> paths)
    {
        using var plot = new Plot();
        foreach (var (number, line) in lines.Index())
        {
            var color = plot.Add.Palette.GetColor(number);
            if (line.Range is { } range)
            {
                var band = plot.Add.FillY(line.X, range.Low, range.High);
                band.FillColor = color.WithAlpha(0.2);
                band.LineWidth = 0;
            }
            var drawn = plot.Add.Scatter(line.X, line.Y, color);
            drawn.LegendText = line.Name;
            drawn.LineWidth = 2;
            // Dots for a few rounds, a line for many.
            drawn.MarkerSize = line.X.Length <= 40 ? 5 : 0;
        }
        plot.Title(title);
        plot.XLabel(below);
        plot.YLabel(beside);
        plot.Axes.Bottom.TickGenerator = new ScottPlot.TickGenerators.NumericAutomatic { IntegerTicksOnly = true };
        plot.ShowLegend(Edge.Right);
        foreach (var path in paths)
            PlotFile.Write(plot, path, Width, Height);
    }
}

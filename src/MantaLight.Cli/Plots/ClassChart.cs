using ScottPlot;

namespace MantaLight.Cli.Plots;

/// <summary>How many samples of each class each node has: a bar for each node, a color for each class.</summary>
internal static class ClassChart
{
    /// <summary>More nodes than that are left out, which the title says.</summary>
    private const int MostNodes = 100;

    private const int Width = 900;
    private const int MinimumHeight = 320;
    private const int HeightOfRow = 16;
    private const int MostHeight = 1800;
    private const int MostLabels = 50;

    /// <summary>Writes the chart to each of the files.</summary>
    /// <param name="title">Above it.</param>
    /// <param name="nodes">Each node's id and samples by class; where there are no classes one number, all of them.</param>
    /// <param name="classes">The classes' names; empty where there are none.</param>
    /// <param name="paths">Where to.</param>
    /// <exception cref="InvalidSettingException">A file cannot be written.</exception>
    public static void Write(string title, IReadOnlyList<(string Node, IReadOnlyList<int> Counts)> nodes, IReadOnlyList<string> classes, params IEnumerable<string> paths)
    {
        using var plot = new Plot();
        var shown = nodes.Take(MostNodes).ToArray();
        var colors = new ScottPlot.Palettes.Category20();
        for (var c = 0; c < Math.Max(1, classes.Count); c++)
        {
            List<Bar> bars = [.. shown.Select((node, row) => new Bar
            {
                Position = shown.Length - 1 - row,
                ValueBase = node.Counts.Take(c).Sum(n => (double)n),
                Value = node.Counts.Take(c + 1).Sum(n => (double)n),
                FillColor = colors.GetColor(c % colors.Colors.Length),
                LineWidth = 0,
                Orientation = Orientation.Horizontal,
            })];
            var drawn = plot.Add.Bars(bars);
            if (classes.Count > 0)
                drawn.LegendText = classes[c];
        }
        // Names of very many nodes would lie on top of each other.
        var every = Math.Max(1, (shown.Length + MostLabels - 1) / MostLabels);
        var named = shown.Index().Where(n => n.Index % every == 0).ToArray();
        plot.Axes.Left.SetTicks([.. named.Select(n => (double)(shown.Length - 1 - n.Index))], [.. named.Select(n => n.Item.Node)]);
        plot.Axes.Margins(left: 0, right: 0.05, bottom: 0.02, top: 0.02);
        plot.Title(nodes.Count > MostNodes ? $"{title} (the first {MostNodes} of {nodes.Count} nodes)" : title);
        plot.XLabel("training samples");
        if (classes.Count > 0)
            plot.ShowLegend(Edge.Right);
        foreach (var path in paths)
            PlotFile.Write(plot, path, Width, Math.Clamp(120 + (HeightOfRow * shown.Length), MinimumHeight, MostHeight));
    }
}

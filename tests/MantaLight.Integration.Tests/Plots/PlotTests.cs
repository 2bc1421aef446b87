using MantaLight.Cli.Plots;
using SkiaSharp;

namespace MantaLight.Integration.Tests.Plots;

public sealed class PlotTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("mantalight-plots-");

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public void A_chart_has_lines_a_band_and_letters()
    {
        LineChart.Write("Title", "epochs on each one's data", "accuracy", Lines, PathOf("with.png"), PathOf("with.svg"));
        LineChart.Write("Title", ".", "accuracy", Lines, PathOf("without.png"));
        using var picture = SKBitmap.Decode(PathOf("with.png"));
        using var other = SKBitmap.Decode(PathOf("without.png"));
        Assert.Equal((900, 540), (picture.Width, picture.Height));
        // The colors of the first line, and of the second's band.
        Assert.True(Count(picture, c => c.Blue > 150 && c.Red < 80) > 200);
        Assert.True(Count(picture, c => c is { Red: > 240, Green: > 200 and < 240, Blue: < 220 }) > 2000);
        // What stands below the axis is ink, and less of it where less is to stand there.
        Assert.True(Ink(picture) > Ink(other) + 100, $"{Ink(picture)} for a word, {Ink(other)} for a dot");
        var drawing = File.ReadAllText(PathOf("with.svg"));
        Assert.Contains("<svg", drawing, StringComparison.Ordinal);
        Assert.Contains("accuracy", drawing, StringComparison.Ordinal);
        Assert.Contains("DejaVu Sans", drawing, StringComparison.Ordinal);

        static int Ink(SKBitmap picture) => Count(picture, c => c.Red < 100, top: picture.Height - 60);
    }

    [Fact]
    public void A_bar_for_each_node_is_as_long_as_it_has_samples_and_has_a_color_for_each_class()
    {
        ClassChart.Write("Parts", [("node_0", [100, 0]), ("node_1", [50, 150])], ["cat", "dog"], PathOf("parts.png"), PathOf("parts.svg"));
        using var picture = SKBitmap.Decode(PathOf("parts.png"));
        var colors = new ScottPlot.Palettes.Category20();
        double cats = Count(picture, Of(0)), dogs = Count(picture, Of(1));
        // 150 of each; the legend has a patch of each as well.
        Assert.Equal(1, cats / dogs, 0.02);
        Assert.True(cats > 10_000);
        var drawing = File.ReadAllText(PathOf("parts.svg"));
        Assert.All(new[] { "node_1", "dog", "training samples" }, text => Assert.Contains(text, drawing, StringComparison.Ordinal));

        Predicate<SKColor> Of(int number) => c => c.Red == colors.GetColor(number).R && c.Green == colors.GetColor(number).G && c.Blue == colors.GetColor(number).B;
    }

    [Fact]
    public void The_letters_come_with_the_program()
    {
        using var stream = typeof(PlotFile).Assembly.GetManifestResourceStream("DejaVuSans-subset.ttf");
        using var font = SKTypeface.FromStream(stream);
        Assert.Equal("DejaVu Sans", font.FamilyName);
        // What tables and legends of ours say.
        Assert.DoesNotContain((ushort)0, font.GetGlyphs("Accuracy 0.97 % – é ε = 1.2 at δ = 1e-5 σ μ α × − …"));
    }

    [Fact]
    public void A_file_that_cannot_be_written_is_told_as_such()
    {
        File.WriteAllText(PathOf("taken"), "");
        Assert.Contains("cannot be written", Assert.Throws<InvalidSettingException>(() => LineChart.Write("", "", "", Lines, PathOf("taken/a.png"))).Message, StringComparison.Ordinal);
    }

    private static ChartLine[] Lines => [new("first", [1, 2, 3], [10, 50, 90]), new("second", [1, 2, 3], [20, 30, 40], ([10, 20, 30], [30, 60, 80]))];

    private string PathOf(string name) => Path.Combine(folder.FullName, name);

    private static int Count(SKBitmap picture, Predicate<SKColor> isCounted, int top = 0)
    {
        var count = 0;
        for (var y = top; y < picture.Height; y++)
        {
            for (var x = 0; x < picture.Width; x++)
                count += isCounted(picture.GetPixel(x, y)) ? 1 : 0;
        }
        return count;
    }
}

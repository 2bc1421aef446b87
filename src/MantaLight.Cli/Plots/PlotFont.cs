using ScottPlot;
using SkiaSharp;

namespace MantaLight.Cli.Plots;

/// <summary>The letters of plots, from this assembly: a server or a container often has no fonts, and text would be left out without a word.</summary>
internal sealed class PlotFont : IFontResolver
{
    private const string Name = "MantaLight";

    private static readonly Lazy<bool> Registered = new(() =>
    {
        Fonts.FontResolvers.Insert(0, new PlotFont());
        return true;
    });

    private readonly Lazy<SKTypeface> face = new(() =>
    {
        using var stream = typeof(PlotFont).Assembly.GetManifestResourceStream("DejaVuSans-subset.ttf")!;
        using var data = SKData.Create(stream);
        return SKTypeface.FromData(data);
    });

    /// <summary>Gives all text of a plot this font.</summary>
    public static void Set(Plot plot)
    {
        _ = Registered.Value;
        plot.Font.Set(Name);
        plot.Legend.FontName = Name;
    }

    /// <inheritdoc/>
    public SKTypeface? CreateTypeface(string fontName, FontWeight weight, FontSlant slant, FontSpacing spacing) => fontName == Name ? face.Value : null;

    /// <inheritdoc/>
    public SKTypeface? CreateTypeface(string fontName, bool bold, bool italic) => fontName == Name ? face.Value : null;
}

using ScottPlot;

namespace MantaLight.Cli.Plots;

/// <summary>Writes plots as files.</summary>
internal static class PlotFile
{
    /// <summary>What a plot's file ends in.</summary>
    public const string Endings = ".png or .svg";

    /// <summary>Whether a plot can be written to such a file.</summary>
    public static bool IsOne(string path) => Path.GetExtension(path).ToLowerInvariant() is ".png" or ".svg";

    /// <summary>Writes a plot, as PNG or as SVG by the file's ending, complete or not at all.</summary>
    /// <exception cref="InvalidSettingException">The file cannot be written.</exception>
    public static void Write(Plot plot, string path, int width, int height)
    {
        PlotFont.Set(plot);
        var full = Path.GetFullPath(path);
        var unfinished = Path.Combine(Path.GetDirectoryName(full)!, $".{Path.GetRandomFileName()}{Path.GetExtension(full)}");
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(full)!);
            if (Path.GetExtension(full).Equals(".svg", StringComparison.OrdinalIgnoreCase))
                plot.SaveSvg(unfinished, width, height);
            else
                plot.SavePng(unfinished, width, height);
            File.Move(unfinished, full, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidSettingException($"The plot {full} cannot be written: {e.Message}", e);
        }
        finally
        {
            if (File.Exists(unfinished))
                File.Delete(unfinished);
        }
    }
}

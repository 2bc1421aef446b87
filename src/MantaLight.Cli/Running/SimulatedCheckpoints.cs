using System.Globalization;
using MantaLight.Checkpoints;
using MantaLight.Cli.Watching;

namespace MantaLight.Cli.Running;

/// <summary>What became of a simulation's checkpoints.</summary>
internal sealed class SimulatedCheckpoints(CheckpointOptions? options)
{
    private int written;
    private string? latest;

    /// <summary>Takes one in; one call at a time.</summary>
    /// <returns>What to tell of it.</returns>
    public Happening Note(CheckpointNews news)
    {
        if (news.Path is not { } path)
            return new Happening.Trouble(string.Create(CultureInfo.InvariantCulture, $"There is no checkpoint of round {news.Round}: {news.Problem}"));
        (written, latest) = (written + 1, path);
        return new Happening.CheckpointWritten(news.Round, path);
    }

    /// <summary>Says how many there are.</summary>
    public void Write(CliConsole console)
    {
        if (options is not null)
            console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Checkpoints: {written} written to {options.Folder}{(latest is null ? "" : $", the last one {Path.GetFileName(latest)}")}"));
    }
}

using MantaLight.Cli.Data;
using MantaLight.Swarms;

namespace MantaLight.Cli.Running;

/// <summary>A definition as a simulation runs it.</summary>
internal static class SimulatedDefinition
{
    /// <summary>Changes it as the command line says.</summary>
    /// <param name="settings">What it says.</param>
    /// <param name="read">The definition.</param>
    /// <param name="note">Told of what is left as it is.</param>
    /// <exception cref="InvalidSettingException">There is nothing to sample participants for.</exception>
    public static SwarmDefinition Of(SimulationSettings settings, SwarmDefinition read, Action<string> note)
    {
        if (settings.Threads is { } threads)
            read = read with { Threads = threads };
        // All are there from the beginning, and nobody else comes.
        read = read with { Rounds = read.Rounds with { MinimumNodes = SwarmRun.MinimumNodes(read, [.. Enumerable.Range(0, settings.Participants).Select(MnistPartitions.NameOf)]) } };
        return settings.Fraction is { } fraction and < 1 ? SampledDefinition.Of(read, fraction, note) : read;
    }
}

using System.Globalization;
using MantaLight.Swarms;

namespace MantaLight.Cli.Running;

/// <summary>A definition with its tasks for all on a part of the participants.</summary>
internal static class SampledDefinition
{
    /// <summary>Has each task for all nodes ask a fraction of them, chosen anew in each round by the definition's seed.</summary>
    /// <param name="read">The definition.</param>
    /// <param name="fraction">Above 0 to 1.</param>
    /// <param name="note">Told of tasks for all that keep a maximum of their own.</param>
    /// <exception cref="InvalidSettingException">There is no task that it could sample.</exception>
    public static SwarmDefinition Of(SwarmDefinition read, double fraction, Action<string> note)
    {
        foreach (var task in read.Tasks.Where(t => t is { Method: PlacementMethod.All, Maximum: not null }))
            note($"Note: --fraction leaves task '{task.Alias}' as it is, since it has a maximum of its own ({Text(task.Maximum!.Value)}).");
        if (!read.Tasks.Any(IsSampled))
            throw new InvalidSettingException("--fraction has nothing to choose from: no task of the definition is for all nodes and without a maximum of its own. Leave it out, or change the definition's maximum.");
        return read with { Tasks = [.. read.Tasks.Select(t => IsSampled(t) ? t with { Maximum = new TaskMaximum(0, fraction) } : t)] };
    }

    private static bool IsSampled(TaskDefinition task) => task is { Method: PlacementMethod.All, Maximum: null };

    private static string Text(TaskMaximum maximum) => (maximum.Count > 0 ? maximum.Count : maximum.Fraction).ToString(CultureInfo.InvariantCulture);
}

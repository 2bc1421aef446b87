using System.Globalization;

namespace MantaLight.Simulation;

/// <summary>Runs a soak and prints its table.</summary>
internal static class SoakRun
{
    /// <summary>Returns the process's exit code.</summary>
    public static int Run(SoakSettings settings, TextWriter output)
    {
        output.WriteLine(SoakSample.Header);
        var outcome = Soak.Run(settings, sample => output.WriteLine(sample));
        foreach (var violation in outcome.Violations)
            output.WriteLine(violation);
        var what = string.Create(CultureInfo.InvariantCulture, $"soak of {settings.Duration.TotalHours:0.##} hours, {settings.Nodes} nodes, seed {settings.Seed}");
        output.WriteLine($"{what}: {(outcome.Violations.Count == 0 ? "passed" : $"{outcome.Violations.Count} violations")}");
        return outcome.Violations.Count == 0 ? 0 : 1;
    }
}

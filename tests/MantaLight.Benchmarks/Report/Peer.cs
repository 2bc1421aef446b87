using System.Text.Json;

namespace MantaLight.Benchmarks.Report;

/// <summary>Python scripts beside this program, each of which prints one JSON object of figures by name: a list of runs for each.</summary>
internal static class Peer
{
    /// <summary>Runs a script.</summary>
    /// <param name="script">Its name in the folder Peers, without the ending.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="environment">Variables to set.</param>
    /// <returns>Its figures; empty, with the reason on standard error, where Python or a library is not installed.</returns>
    public static IReadOnlyDictionary<string, Sample> Run(string script, string[] arguments, params (string Name, string Value)[] environment)
    {
        try
        {
            using var process = Children.Start(Python.Script(script, arguments, environment));
            var output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            if (process.ExitCode == 0)
                return JsonSerializer.Deserialize<Dictionary<string, double[]>>(output)!.ToDictionary(f => f.Key, f => Sample.Of(f.Value));
            Python.LeftOut(script, $"ended with {process.ExitCode}");
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            Python.LeftOut(script, $"cannot be started ({e.Message})");
        }
        return new Dictionary<string, Sample>();
    }
}

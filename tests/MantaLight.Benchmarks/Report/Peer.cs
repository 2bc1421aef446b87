using System.Diagnostics;
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
        var start = new ProcessStartInfo(File.Exists("/usr/bin/python3") ? "/usr/bin/python3" : "python3", [Path.Combine(AppContext.BaseDirectory, "Peers", $"{script}.py"), .. arguments]) { RedirectStandardOutput = true };
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        try
        {
            using var process = Children.Start(start);
            var output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            if (process.ExitCode == 0)
                return JsonSerializer.Deserialize<Dictionary<string, double[]>>(output)!.ToDictionary(f => f.Key, f => Sample.Of(f.Value));
            Console.Error.WriteLine($"{script}.py ended with {process.ExitCode}; its figures are left out. Install what it imports: apt-get install python3-numpy python3-msgpack python3-torch");
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            Console.Error.WriteLine($"python3 cannot be started ({e.Message}); its figures are left out.");
        }
        return new Dictionary<string, Sample>();
    }
}

using System.Diagnostics;

namespace MantaLight.Benchmarks.Report;

/// <summary>The Python that peers run in: what <c>PYTHON</c> names, or else the system's, which has its libraries from the distribution.</summary>
internal static class Python
{
    private const string System = "/usr/bin/python3";

    /// <summary>How to start a script of the folder Peers, beside this program.</summary>
    public static ProcessStartInfo Script(string script, string[] arguments, (string Name, string Value)[] environment)
    {
        var program = Environment.GetEnvironmentVariable("PYTHON") is { Length: > 0 } named ? named : File.Exists(System) ? System : "python3";
        var start = new ProcessStartInfo(program, [Path.Combine(AppContext.BaseDirectory, "Peers", $"{script}.py"), .. arguments]) { RedirectStandardOutput = true };
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        return start;
    }

    /// <summary>Says that a script's figures are left out, and what it wants.</summary>
    public static void LeftOut(string script, string why) =>
        Console.Error.WriteLine($"{script}.py {why}; its figures are left out. {(script == "flower" ? "It wants Flower 1.28: pip install flwr==1.28.0 for the Python that PYTHON names, or its source's folder in FLOWER_SOURCE" : "Install what it imports: apt-get install python3-numpy python3-msgpack python3-torch libopenblas0-openmp")}.");
}

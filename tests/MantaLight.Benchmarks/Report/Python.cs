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
        var start = new ProcessStartInfo(program, [PathOf(script), .. arguments]) { RedirectStandardOutput = true };
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        return start;
    }

    /// <summary>Says that a script's figures are left out, and what it wants: its first line that begins with <c># Wants: </c> says it.</summary>
    public static void LeftOut(string script, string why)
    {
        const string Wants = "# Wants: ";
        var wanted = File.ReadLines(PathOf(script)).FirstOrDefault(l => l.StartsWith(Wants, StringComparison.Ordinal));
        Console.Error.WriteLine($"{script}.py {why}; its figures are left out. It wants {wanted?[Wants.Length..] ?? "Python 3"}.");
    }

    private static string PathOf(string script) => Path.Combine(AppContext.BaseDirectory, "Peers", $"{script}.py");
}

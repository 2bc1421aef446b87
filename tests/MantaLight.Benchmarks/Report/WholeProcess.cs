using System.Diagnostics;
using System.Globalization;

namespace MantaLight.Benchmarks.Report;

/// <summary>The tool as a process of its own, watched from outside.</summary>
internal static class WholeProcess
{
    /// <summary>Runs <c>mantalight</c> with some arguments, to its end.</summary>
    /// <returns>What it has written, its exit code, its seconds, and the most memory that it had at once, in bytes: all, and what is not of files.</returns>
    public static (string Output, int Code, double Seconds, long Peak, long PeakAnonymous) Mantalight(params string[] arguments)
    {
        var began = Stopwatch.GetTimestamp();
        using var process = Start(arguments);
        var output = process.StandardOutput.ReadToEndAsync();
        var (peak, anonymous) = (0L, 0L);
        while (!process.WaitForExit(20))
        {
            peak = Math.Max(peak, Status(process.Id, "VmHWM"));
            anonymous = Math.Max(anonymous, Status(process.Id, "RssAnon"));
        }
        Children.ThrowIfEnded();
        return (output.GetAwaiter().GetResult(), process.ExitCode, Stopwatch.GetElapsedTime(began).TotalSeconds, peak, anonymous);
    }

    /// <summary>Starts it.</summary>
    public static Process Start(params string[] arguments) => Children.Start(new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "MantaLight.Cli.dll"), .. arguments])
    {
        RedirectStandardOutput = true,
    });

    /// <summary>Starts this program with other arguments, as a process of its own.</summary>
    public static Process StartBenchmarks(params string[] arguments) =>
        Children.Start(new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "MantaLight.Benchmarks.dll"), .. arguments]) { RedirectStandardOutput = true });

    /// <summary>Runs it; returns what it has written.</summary>
    public static string Benchmarks(params string[] arguments)
    {
        using var process = StartBenchmarks(arguments);
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? output : throw new InvalidOperationException($"{arguments[0]} ended with {process.ExitCode}.");
    }

    /// <summary>A figure of a process's status, in bytes; 0 where it is not there.</summary>
    public static long Status(int process, string name)
    {
        try
        {
            var line = File.ReadLines($"/proc/{process}/status").FirstOrDefault(l => l.StartsWith($"{name}:", StringComparison.Ordinal));
            return line is null ? 0 : long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024;
        }
        catch (IOException)
        {
            return 0;
        }
    }
}

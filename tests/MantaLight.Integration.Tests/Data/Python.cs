using System.Collections.Concurrent;
using System.Diagnostics;

namespace MantaLight.Integration.Tests.Data;

/// <summary>The system's Python, which other implementations of our formats run on.</summary>
internal static class Python
{
    private const string Program = "/usr/bin/python3";

    private static readonly ConcurrentDictionary<string, Task<bool>> Installed = new();

    /// <summary>Skips the test, with the reason, where a module is not installed.</summary>
    public static async Task RequireAsync(string module)
    {
        Needs.That(File.Exists(Program), $"{Program} is not installed.");
        Needs.That(await Installed.GetOrAdd(module, IsInstalledAsync), $"python3-{module} is not installed.");
    }

    /// <summary>Runs a script, which must succeed.</summary>
    /// <returns>What it printed.</returns>
    public static async Task<string> RunAsync(string script, params string[] arguments)
    {
        var (code, output, error) = await StartAsync(script, arguments);
        Assert.True(code == 0, error);
        return output.Trim();
    }

    private static async Task<bool> IsInstalledAsync(string module) => (await StartAsync($"import {module}", [])).Code == 0;

    private static async Task<(int Code, string Output, string Error)> StartAsync(string script, string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(Program, ["-c", script, .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, await output, await error);
    }
}

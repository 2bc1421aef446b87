using System.Diagnostics;

namespace MantaLight.Cli.Modules;

/// <summary>Builds a project with the SDK on this machine.</summary>
internal static class DotnetBuild
{
    private const int MaximumErrors = 20;

    /// <exception cref="ModuleException">There is no SDK, or the project does not build; the message has the errors.</exception>
    public static async Task RunAsync(string project, CancellationToken cancellationToken)
    {
        // Servers that outlive the build would keep our end of its output open.
        var start = new ProcessStartInfo(DotnetHost.Path, ["build", project, "-c", "Release", "--nologo", "-v", "quiet", "-clp:NoSummary", "-nodeReuse:false", "-p:UseSharedCompilation=false"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        // What `dotnet run` leaves for its own build must not steer this one.
        foreach (var name in start.Environment.Keys.Where(k => k.StartsWith("MSBuild", StringComparison.OrdinalIgnoreCase)).ToArray())
            start.Environment.Remove(name);
        using var process = Start(start);
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(cancellationToken);
            var error = process.StandardError.ReadToEndAsync(cancellationToken);
            await process.WaitForExitAsync(cancellationToken);
            if (process.ExitCode != 0)
                throw new ModuleException($"{project} does not build:{Environment.NewLine}{Errors(await output + await error)}");
        }
        finally
        {
            if (!process.HasExited)
                process.Kill(entireProcessTree: true);
        }
    }

    private static Process Start(ProcessStartInfo start)
    {
        try
        {
            return Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new ModuleException($"'{start.FileName}' cannot be run to build the module: {e.Message}. Install the .NET SDK, or give the path of a built .dll.", e);
        }
    }

    private static string Errors(string output)
    {
        string[] lines = [.. output.Split('\n').Select(l => l.Trim()).Where(l => l.Length > 0)];
        string[] errors = [.. lines.Where(l => l.Contains("error", StringComparison.OrdinalIgnoreCase)).Distinct(StringComparer.Ordinal)];
        return string.Join(Environment.NewLine, (errors.Length > 0 ? errors : lines).Take(MaximumErrors).Select(l => $"  {l}"));
    }
}

/// <summary>The <c>dotnet</c> that runs this process, where one does.</summary>
internal static class DotnetHost
{
    /// <summary>Its path, or its name for the system to find.</summary>
    public static string Path { get; } = Find();

    private static string Find()
    {
        if (Environment.ProcessPath is { } own && System.IO.Path.GetFileNameWithoutExtension(own) == "dotnet")
            return own;
        if (Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") is { Length: > 0 } host && File.Exists(host))
            return host;
        return Environment.GetEnvironmentVariable("DOTNET_ROOT") is { Length: > 0 } root && File.Exists(System.IO.Path.Combine(root, "dotnet"))
            ? System.IO.Path.Combine(root, "dotnet")
            : "dotnet";
    }
}

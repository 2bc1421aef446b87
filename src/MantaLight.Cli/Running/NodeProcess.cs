using System.Diagnostics;
using MantaLight.Cli.Modules;

namespace MantaLight.Cli.Running;

/// <summary>
/// One node in a process of its own. Its standard input is its lifeline: when it closes, because the node is to stop or
/// because this process has died in whatever way, the node says goodbye and ends.
/// </summary>
internal sealed class NodeProcess : IAsyncDisposable
{
    private const int LastLines = 20;

    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(15);

    private readonly Process process;
    private readonly StreamWriter log;
    private readonly Queue<string> last = new();
    private readonly Lock gate = new();

    private NodeProcess(string id, Process process, StreamWriter log)
    {
        Id = id;
        this.process = process;
        this.log = log;
        Exited = WaitAsync();
    }

    /// <summary>The node's id.</summary>
    public string Id { get; }

    /// <summary>Its exit code, when it has ended and all that it wrote has been read.</summary>
    public Task<int> Exited { get; }

    /// <summary>Its number in the system.</summary>
    public int ProcessId => process.Id;

    /// <summary>Starts one.</summary>
    /// <param name="node">Which.</param>
    /// <param name="module">The module's assembly.</param>
    /// <param name="broker">Its broker.</param>
    /// <param name="cluster">Its cluster.</param>
    /// <param name="launcher">A command that becomes the node's process when the node's own command is put behind it.</param>
    /// <param name="more">More flags for it.</param>
    /// <exception cref="InvalidSettingException">This program cannot be started again.</exception>
    public static NodeProcess Start(
        RunNode node, string module, Uri broker, string cluster, IReadOnlyList<string>? launcher = null, IReadOnlyList<string>? more = null)
    {
        Directory.CreateDirectory(node.StateFolder);
        List<string> arguments =
        [
            .. launcher ?? [], DotnetHost.Path, typeof(NodeProcess).Assembly.Location, "node", "--id", node.Id, "--cluster", cluster, "--broker", broker.OriginalString,
            "--module", module, "--state-folder", node.StateFolder, "--until-input-ends", .. more ?? [],
        ];
        foreach (var (name, path) in node.Datasets)
            arguments.AddRange(["--dataset", $"{name}={path}"]);
        var start = new ProcessStartInfo(arguments[0], arguments.Skip(1))
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        try
        {
            return new NodeProcess(node.Id, Process.Start(start)!, new StreamWriter(Path.Combine(node.StateFolder, "node.log"), append: true));
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new InvalidSettingException($"'{start.FileName}' cannot be run to start {node.Id}: {e.Message}", e);
        }
    }

    /// <summary>Lets it say goodbye, and ends it where it does not.</summary>
    public async Task StopAsync()
    {
        try
        {
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It has gone already.
        }
        try
        {
            await Exited.WaitAsync(StopPatience);
        }
        catch (TimeoutException)
        {
            process.Kill(entireProcessTree: true);
            await Exited;
        }
    }

    /// <summary>Ends it as a crash would.</summary>
    public async Task KillAsync()
    {
        process.Kill();
        await Exited;
    }

    /// <summary>The last lines that it wrote.</summary>
    public string LastWords()
    {
        lock (gate)
            return last.Count == 0 ? "It wrote nothing." : $"Its last lines:{Environment.NewLine}{string.Join(Environment.NewLine, last.Select(l => $"  {l}"))}";
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        process.Dispose();
        await log.DisposeAsync();
    }

    private async Task<int> WaitAsync()
    {
        await Task.WhenAll(CopyAsync(process.StandardOutput), CopyAsync(process.StandardError));
        await process.WaitForExitAsync();
        return process.ExitCode;
    }

    private async Task CopyAsync(StreamReader from)
    {
        while (await from.ReadLineAsync() is { } line)
        {
            lock (gate)
            {
                log.WriteLine(line);
                log.Flush();
                last.Enqueue(line);
                if (last.Count > LastLines)
                    last.Dequeue();
            }
        }
    }
}

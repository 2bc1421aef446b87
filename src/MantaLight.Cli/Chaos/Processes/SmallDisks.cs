using System.ComponentModel;
using System.Diagnostics;

namespace MantaLight.Cli.Chaos.Processes;

/// <summary>
/// A small disk in memory for each node's state folder, so that it can be filled to the last byte. They are mounted in a user
/// and mount namespace of our own, which needs no privileges where the system allows those namespaces, and live as long as
/// the process that holds it: longer than any node.
/// </summary>
internal sealed class SmallDisks : IAsyncDisposable
{
    private const int Mebibytes = 128;
    private const string Ballast = "ballast";
    private const string Script = "s=$1; shift; for d in \"$@\"; do mount -t tmpfs -o size=${s}m none \"$d\" || exit 1; done; echo ready; exec cat";

    private readonly Process holder;

    private SmallDisks(Process holder) => this.holder = holder;

    /// <summary>The command that puts a node's process among the disks.</summary>
    public IReadOnlyList<string> Launcher => ["nsenter", "--target", $"{holder.Id}", "--user", "--mount", "--preserve-credentials", "--"];

    /// <summary>Mounts one over each folder.</summary>
    /// <returns>Null where the system does not allow it.</returns>
    public static async Task<SmallDisks?> TryMountAsync(IReadOnlyCollection<string> folders, CancellationToken cancellationToken)
    {
        foreach (var folder in folders)
            Directory.CreateDirectory(folder);
        Process holder;
        try
        {
            holder = Process.Start(new ProcessStartInfo(
                "unshare", ["--user", "--map-root-user", "--mount", "/bin/sh", "-c", Script, "sh", $"{Mebibytes}", .. folders])
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
        }
        catch (Win32Exception)
        {
            return null;
        }
        var disks = new SmallDisks(holder);
        try
        {
            if (await holder.StandardOutput.ReadLineAsync(cancellationToken) == "ready" && File.Exists("/usr/bin/nsenter"))
                return disks;
        }
        catch
        {
            await disks.DisposeAsync();
            throw;
        }
        await disks.DisposeAsync();
        return null;
    }

    /// <summary>Leaves no byte free.</summary>
    public void Fill(string folder)
    {
        using var file = new FileStream(Inside(folder), FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        var block = new byte[1 << 20];
        try
        {
            for (var i = 0; i <= Mebibytes; i++)
                file.Write(block);
        }
        catch (IOException)
        {
            // Full, but for what is smaller than a block.
        }
        try
        {
            for (var i = 0; i <= block.Length / 4096; i++)
                file.Write(block.AsSpan(0, 4096));
        }
        catch (IOException)
        {
            // Full.
        }
    }

    /// <summary>Gives the room back.</summary>
    public void Empty(string folder) => File.Delete(Inside(folder));

    public async ValueTask DisposeAsync()
    {
        holder.StandardInput.Close();
        await holder.WaitForExitAsync();
        holder.Dispose();
    }

    private string Inside(string folder) => $"/proc/{holder.Id}/root{Path.Combine(folder, Ballast)}";
}

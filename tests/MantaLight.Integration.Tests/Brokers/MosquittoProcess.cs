using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace MantaLight.Integration.Tests.Brokers;

/// <summary>A mosquitto of our own on a free port.</summary>
internal sealed class MosquittoProcess : IAsyncDisposable
{
    private const string Path = "/usr/sbin/mosquitto";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly Process process;
    private readonly DirectoryInfo folder;

    private MosquittoProcess(Process process, DirectoryInfo folder, int port) => (this.process, this.folder, Port) = (process, folder, port);

    public static bool IsInstalled => File.Exists(Path);

    public int Port { get; }

    public Uri Uri => new($"mqtt://127.0.0.1:{Port}");

    /// <summary>Starts one and waits until it listens; skips the test where there is none.</summary>
    public static async Task<MosquittoProcess> StartAsync(string extra = "allow_anonymous true")
    {
        if (!IsInstalled)
            Needs.That(false, $"mosquitto is not installed ({Path}); install the package 'mosquitto' to run this test.");

        // The port is free when asked for but may be taken before mosquitto binds it: then try another.
        for (var attempt = 0; ; attempt++)
        {
            if (await TryStartAsync(FreePort(), extra) is { } started)
                return started;
            if (attempt == 5)
                throw new InvalidOperationException("mosquitto did not start on any of six free ports.");
        }
    }

    /// <summary>Kills it, as a crash would.</summary>
    public async Task KillAsync()
    {
        process.Kill();
        await process.WaitForExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited)
            await KillAsync();
        process.Dispose();
        folder.Delete(recursive: true);
    }

    private static async Task<MosquittoProcess?> TryStartAsync(int port, string extra)
    {
        var folder = Directory.CreateTempSubdirectory("mantalight-mosquitto-");
        var configuration = System.IO.Path.Combine(folder.FullName, "mosquitto.conf");
        await File.WriteAllTextAsync(configuration, $"""
            listener {port} 127.0.0.1
            {extra}
            persistence false
            max_queued_messages 0
            max_packet_size 1048576
            log_dest stderr
            log_type information
            user {Environment.UserName}

            """);
        var process = Process.Start(new ProcessStartInfo(Path, ["-c", configuration]) { RedirectStandardError = true })!;
        var ready = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        // Read on after that, or it blocks on a full pipe.
        process.ErrorDataReceived += (_, line) =>
        {
            if (line.Data is null)
                ready.TrySetResult(false);
            else if (line.Data.EndsWith(" running", StringComparison.Ordinal))
                ready.TrySetResult(true);
        };
        process.BeginErrorReadLine();

        var mosquitto = new MosquittoProcess(process, folder, port);
        if (await ready.Task.WaitAsync(Patience))
            return mosquitto;
        await mosquitto.DisposeAsync();
        return null;
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}

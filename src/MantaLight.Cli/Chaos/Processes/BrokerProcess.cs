using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using MantaLight.Cli.Modules;

namespace MantaLight.Cli.Chaos.Processes;

/// <summary>Which program is the broker.</summary>
internal enum BrokerKind
{
    Embedded,
    Mosquitto,
}

/// <summary>A broker in a process of its own, with its retained messages on disk, that can be killed and started again.</summary>
internal sealed class BrokerProcess(BrokerKind kind, string folder, TimeProvider time) : IAsyncDisposable
{
    private const int PortsToTry = 5;

    // The broker dies with its standard input, so also when this process is killed.
    private const string Lifeline = "exec 3<&0; \"$@\" 3<&- & b=$!; (cat <&3; kill -9 $b) >/dev/null 2>&1 & wait $b";

    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(20);

    private readonly string store = Path.Combine(folder, "store");
    private readonly string logFile = Path.Combine(folder, "broker.log");
    private Process? process;
    private Task log = Task.CompletedTask;

    /// <summary>Where it listens at this moment; another port after each start.</summary>
    public int Port { get; private set; }

    /// <summary>Debian's mosquitto; null where it is not installed.</summary>
    public static string? Mosquitto { get; } =
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Append("/usr/sbin").Where(p => p.Length > 0)
            .Select(p => Path.Combine(p, "mosquitto")).FirstOrDefault(File.Exists);

    /// <summary>Starts it; it listens when this returns.</summary>
    /// <exception cref="ChaosException">It does not start.</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(store);
        // A port that was free when asked for may be taken before the broker binds it: then another.
        for (var i = 0; i < PortsToTry; i++)
        {
            if (await TryStartAsync(FreePort(), cancellationToken))
                return;
        }
        throw new ChaosException($"The broker does not start; see {logFile}.");
    }

    /// <summary>Ends it as a crash would.</summary>
    public async Task KillAsync()
    {
        if (process is null)
            return;
        process.StandardInput.Close();
        await process.WaitForExitAsync();
        await log;
        process.Dispose();
        process = null;
    }

    /// <summary>Deletes what it has kept, while it is down.</summary>
    public void Forget() => Directory.Delete(store, recursive: true);

    public async ValueTask DisposeAsync() => await KillAsync();

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private async Task<bool> TryStartAsync(int port, CancellationToken cancellationToken)
    {
        process = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", Lifeline, "sh", .. await CommandAsync(port, cancellationToken)])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        log = LogAsync(process);
        var began = time.GetTimestamp();
        while (!process.HasExited && time.GetElapsedTime(began) < StartPatience)
        {
            if (await ListensAsync(port, cancellationToken))
            {
                Port = port;
                return true;
            }
            await Task.Delay(Interval, time, cancellationToken);
        }
        await KillAsync();
        return false;
    }

    private static async Task<bool> ListensAsync(int port, CancellationToken cancellationToken)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(IPAddress.Loopback, port, cancellationToken);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private async Task<string[]> CommandAsync(int port, CancellationToken cancellationToken)
    {
        if (kind == BrokerKind.Embedded)
            return [DotnetHost.Path, typeof(BrokerProcess).Assembly.Location, "broker", "--port", $"{port}", "--web-port", "-1", "--store", store];
        // As broker/mosquitto.conf, but saving after every change: this broker is killed, and is to come back with all but its last moment.
        var configuration = Path.Combine(folder, "mosquitto.conf");
        await File.WriteAllTextAsync(configuration, $"""
            listener {port} 127.0.0.1
            allow_anonymous true
            persistence true
            persistence_location {store}/
            autosave_on_changes true
            autosave_interval 1
            max_queued_messages 100000
            max_inflight_messages 32
            max_packet_size 1048576
            log_dest stderr
            user {Environment.UserName}

            """, cancellationToken);
        return [Mosquitto ?? throw new ChaosException("mosquitto is not installed; on Debian: apt-get install mosquitto."), "-c", configuration];
    }

    private async Task LogAsync(Process from)
    {
        await using var file = new StreamWriter(logFile, append: true);
        var writer = TextWriter.Synchronized(file);
        await Task.WhenAll(CopyAsync(from.StandardOutput), CopyAsync(from.StandardError));

        async Task CopyAsync(StreamReader reader)
        {
            while (await reader.ReadLineAsync() is { } line)
                await writer.WriteLineAsync(line);
        }
    }
}

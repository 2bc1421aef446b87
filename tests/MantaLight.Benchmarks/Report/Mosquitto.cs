using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace MantaLight.Benchmarks.Report;

/// <summary>A mosquitto as it is installed, but for its port.</summary>
internal sealed class Mosquitto : IDisposable
{
    private readonly Process process;
    private readonly string folder;

    private Mosquitto(Process process, string folder, int port) => (this.process, this.folder, Uri) = (process, folder, string.Create(CultureInfo.InvariantCulture, $"mqtt://127.0.0.1:{port}"));

    /// <summary>Where it listens.</summary>
    public string Uri { get; }

    public int ProcessId => process.Id;

    /// <summary>Starts one; null where it is not installed.</summary>
    public static Mosquitto? TryStart()
    {
        var folder = Directory.CreateTempSubdirectory("mantalight-mosquitto-").FullName;
        var port = FreePort();
        var configuration = Path.Combine(folder, "mosquitto.conf");
        File.WriteAllText(configuration, string.Create(CultureInfo.InvariantCulture, $"listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 1000\n"));
        foreach (var name in new[] { "mosquitto", "/usr/sbin/mosquitto" })
        {
            try
            {
                var process = Children.Start(new ProcessStartInfo(name, ["-c", configuration]) { RedirectStandardError = true });
                process.BeginErrorReadLine();
                WaitForPort(port);
                return new Mosquitto(process, folder, port);
            }
            catch (System.ComponentModel.Win32Exception)
            {
                // Not there.
            }
        }
        Directory.Delete(folder, recursive: true);
        return null;
    }

    /// <summary>A port that nobody listens on.</summary>
    public static int FreePort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }

    public void Dispose()
    {
        Children.Kill(process);
        process.WaitForExit();
        process.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    private static void WaitForPort(int port)
    {
        for (var i = 0; i < 100; i++)
        {
            try
            {
                using var client = new TcpClient();
                client.Connect(IPAddress.Loopback, port);
                return;
            }
            catch (SocketException)
            {
                Thread.Sleep(50);
            }
        }
        throw new TimeoutException("mosquitto does not listen.");
    }
}

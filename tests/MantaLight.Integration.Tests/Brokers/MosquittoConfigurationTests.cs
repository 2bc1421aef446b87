using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using MantaLight.Messaging;
using MantaLight.Mqtt;

namespace MantaLight.Integration.Tests.Brokers;

/// <summary>broker/mosquitto.conf, as it is but for its ports and its folder, in a real mosquitto.</summary>
public sealed partial class MosquittoConfigurationTests : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("mantalight-mosquitto-");
    private readonly List<Process> started = [];

    public async ValueTask DisposeAsync()
    {
        foreach (var process in started)
        {
            await KillAsync(process);
            process.Dispose();
        }
        folder.Delete(recursive: true);
    }

    [Fact]
    public async Task It_serves_the_protocol_over_tcp_and_websocket_and_keeps_retained_messages_when_it_is_killed()
    {
        if (!MosquittoProcess.IsInstalled)
            Needs.That(false, "mosquitto is not installed; install the package 'mosquitto' to run this test.");
        var (tcp, web) = (FreePort(), FreePort());
        var configuration = await WriteAsync(tcp, web);

        var first = await StartAsync(configuration);
        await using (var connection = await ConnectAsync($"mqtt://127.0.0.1:{tcp}", "a"))
        {
            // Accepted only after the self-test: retained messages, wildcard, one connection for each id.
            await using var overWeb = await ConnectAsync($"ws://127.0.0.1:{web}/mqtt", "b");
            Assert.True(connection.Limits.ReplaysRetainedByWildcard);
            Assert.Equal(BrokerLimits.PreferredChunkSize, connection.Limits.ChunkSize);
            await connection.PublishAsync(new OutboundMessage("mantalight/local/swarms/s", "kept"u8.ToArray(), retain: true), Stop);
            // Saved after so many changes at the latest.
            for (var i = 0; i < AutosaveInterval; i++)
                await connection.PublishAsync(new OutboundMessage($"mantalight/local/other/{i}", "x"u8.ToArray(), retain: true), Stop);
            await SavedAsync();
            await KillAsync(first);
        }

        await StartAsync(configuration);
        await using var later = await ConnectAsync($"mqtt://127.0.0.1:{tcp}", "c");
        var found = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var subscription = await later.SubscribeAsync("mantalight/local/swarms/+", m => found.TrySetResult(Encoding.UTF8.GetString(m.Payload)), Stop);
        Assert.Equal("kept", await found.Task.WaitAsync(Patience, Stop));
    }

    private static string Settings => File.ReadAllText(Path.Combine(Root(), "broker", "mosquitto.conf"));

    private static int AutosaveInterval => int.Parse(Autosave.Match(Settings).Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture);

    private async Task<string> WriteAsync(int tcp, int web)
    {
        var path = Path.Combine(folder.FullName, "mosquitto.conf");
        var changed = Settings.Replace("listener 1883 ", $"listener {tcp} ", StringComparison.Ordinal)
            .Replace("listener 8083 ", $"listener {web} ", StringComparison.Ordinal)
            .Replace("persistence_location temp/", $"persistence_location {folder.FullName}/", StringComparison.Ordinal);
        await File.WriteAllTextAsync(path, $"{changed}\nuser {Environment.UserName}\n", Stop);
        return path;
    }

    private async Task<Process> StartAsync(string configuration)
    {
        var process = Process.Start(new ProcessStartInfo("/usr/sbin/mosquitto", ["-v", "-c", configuration]) { RedirectStandardError = true })!;
        started.Add(process);
        var ready = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var said = new StringBuilder();
        process.ErrorDataReceived += (_, line) =>
        {
            if (line.Data is null)
                ready.TrySetException(new InvalidOperationException($"mosquitto ended: {said}"));
            else if (line.Data.EndsWith(" running", StringComparison.Ordinal))
                ready.TrySetResult();
            else if (!ready.Task.IsCompleted)
                said.AppendLine(line.Data);
        };
        process.BeginErrorReadLine();
        await ready.Task.WaitAsync(Patience, Stop);
        Assert.DoesNotContain("Error", said.ToString(), StringComparison.Ordinal);
        return process;
    }

    private static async Task KillAsync(Process process)
    {
        if (process.HasExited)
            return;
        process.Kill();
        await process.WaitForExitAsync(CancellationToken.None);
    }

    private static async Task<IBrokerConnection> ConnectAsync(string uri, string clientId) =>
        await new MqttBroker(new MqttBrokerOptions { Uri = new Uri(uri) }, null, TimeProvider.System)
            .ConnectAsync(new ConnectionProfile { ClientId = clientId, Reconnect = false }, Stop);

    /// <summary>Waits until the database has the message; mosquitto puts it there under its name in one move.</summary>
    private async Task SavedAsync()
    {
        var database = Path.Combine(folder.FullName, "mosquitto.db");
        using var patience = new CancellationTokenSource(Patience);
        while (!File.Exists(database) || (await File.ReadAllBytesAsync(database, patience.Token)).AsSpan().IndexOf("kept"u8) < 0)
            await Task.Delay(50, patience.Token);
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static string Root()
    {
        var parent = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(parent!.FullName, "MantaLight.sln")))
            parent = parent.Parent;
        return parent.FullName;
    }

    [GeneratedRegex(@"^autosave_interval (\d+)", RegexOptions.Multiline)]
    private static partial Regex Autosave { get; }
}

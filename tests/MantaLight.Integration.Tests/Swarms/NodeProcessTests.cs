using System.Diagnostics;
using System.Globalization;
using System.Threading.Channels;
using MantaLight.Integration.Tests.Brokers;
using MantaLight.Messaging;
using MantaLight.Mqtt;
using MantaLight.Protocol;

namespace MantaLight.Integration.Tests.Swarms;

/// <summary>A process for each participant, a broker of one's own, and the owner's mosquitto_pub: as the README tells.</summary>
public sealed class NodeProcessTests(MnistFixture mnist) : IClassFixture<MnistFixture>
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    [Fact]
    public async Task The_card_in_the_README_works_and_survives_a_worker_killed_in_the_middle()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/mosquitto_pub"), "mosquitto_pub is not installed; install the package 'mosquitto-clients'.");
        var data = mnist.Data;
        await using var mosquitto = await MosquittoProcess.StartAsync();
        await using var watcher = await Watcher.StartAsync(mosquitto.Uri);
        using var folder = new Folder();
        using var first = Start(mosquitto.Uri, "node_0", data, folder.Path);
        var second = Start(mosquitto.Uri, "node_1", data, folder.Path);
        await watcher.WaitAsync<Presence>(p => p is { From: "node_0", Status: NodeStatus.Online });
        await watcher.WaitAsync<Presence>(p => p is { From: "node_1", Status: NodeStatus.Online });

        using (var publish = Process.Start("/usr/bin/mosquitto_pub", [
            "-p", mosquitto.Port.ToString(CultureInfo.InvariantCulture), "-r", "-q", "1",
            "-f", Path.Combine(MnistFixture.Repository, "examples", "Mnist", "swarm.json"), "-t", "mantalight/local/swarms/mnist"]))
        {
            await publish.WaitForExitAsync();
            Assert.Equal(0, publish.ExitCode);
        }
        await watcher.WaitAsync<TaskRunning>(t => t is { From: "node_1", Alias: "worker", Round: 2 });
        second.Kill();
        await second.WaitForExitAsync();
        second.Dispose();
        using var back = Start(mosquitto.Uri, "node_1", data, folder.Path);
        var end = await watcher.WaitAsync<SwarmState>(s => s.Status.IsFinal());
        Assert.Equal((RunStatus.Completed, 8), (end.Status, end.Round));
        Assert.All(end.History, h => Assert.Equal(2, h.Participants));
        Assert.InRange(end.History[^1].Metrics["test_metrics.accuracy"], 0.8, 1);
        await StopAsync(first);
        await StopAsync(back);
        Assert.Equal((0, 0), (first.ExitCode, back.ExitCode));
    }

    [Fact]
    public async Task A_second_process_with_the_id_of_the_first_ends_with_a_clear_message()
    {
        var data = mnist.Data;
        await using var mosquitto = await MosquittoProcess.StartAsync();
        await using var watcher = await Watcher.StartAsync(mosquitto.Uri);
        using var folder = new Folder();
        using var first = Start(mosquitto.Uri, "node_0", data, folder.Path);
        await watcher.WaitAsync<Presence>(p => p is { From: "node_0", Status: NodeStatus.Online });
        using var second = Start(mosquitto.Uri, "node_0", data, folder.Path);
        var error = await second.StandardError.ReadToEndAsync();
        await second.WaitForExitAsync();
        Assert.Equal(3, second.ExitCode);
        Assert.Contains("'node_0' is in use", error, StringComparison.Ordinal);
        Assert.False(first.HasExited);
        await StopAsync(first);
    }

    private static Process Start(Uri broker, string id, string data, string folder)
    {
        var program = Path.Combine(AppContext.BaseDirectory, "MantaLight.Cli.dll");
        var module = Path.Combine(MnistFixture.Repository, "examples", "Mnist");
        var process = Process.Start(new ProcessStartInfo("dotnet", [
            program, "node", "--id", id, "--broker", broker.OriginalString, "--module", module, "--state-folder", Path.Combine(folder, id),
            "--dataset", $"mnist={Path.Combine(data, "mnist", id, "mnist.npz")}"])
        { RedirectStandardError = true, RedirectStandardOutput = true })!;
        // Or it blocks on a full pipe.
        process.BeginOutputReadLine();
        return process;
    }

    private static async Task StopAsync(Process process)
    {
        using var kill = Process.Start("kill", ["-TERM", process.Id.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync();
        await process.WaitForExitAsync().WaitAsync(Patience);
    }

    private sealed class Folder : IDisposable
    {
        public string Path { get; } = Directory.CreateTempSubdirectory("mantalight-nodes-").FullName;

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }

    /// <summary>Anybody with an MQTT client.</summary>
    private sealed class Watcher(IBrokerConnection connection) : IAsyncDisposable
    {
        private readonly Channel<ControlMessage> messages = Channel.CreateUnbounded<ControlMessage>();

        public static async Task<Watcher> StartAsync(Uri uri)
        {
            var connection = await new MqttBroker(new MqttBrokerOptions { Uri = uri }).ConnectAsync(new ConnectionProfile { ClientId = "watcher" }, CancellationToken.None);
            var watcher = new Watcher(connection);
            await connection.SubscribeAsync("mantalight/local/#", message =>
            {
                if (!message.Topic.Contains("/blobs/", StringComparison.Ordinal) && ProtocolJson.Read<ControlMessage>(message.Payload, out _) is { } read)
                    watcher.messages.Writer.TryWrite(read);
            }, CancellationToken.None);
            return watcher;
        }

        public async Task<T> WaitAsync<T>(Func<T, bool> condition)
            where T : ControlMessage
        {
            using var patience = new CancellationTokenSource(Patience);
            await foreach (var message in messages.Reader.ReadAllAsync(patience.Token))
            {
                if (message is T wanted && condition(wanted))
                    return wanted;
            }
            throw new InvalidOperationException("The channel has ended.");
        }

        public ValueTask DisposeAsync() => connection.DisposeAsync();
    }
}

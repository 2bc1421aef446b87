using System.Diagnostics;
using System.Globalization;
using System.Text;
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
        Needs.That(File.Exists("/usr/bin/mosquitto_pub"), "mosquitto_pub is not installed; install the package 'mosquitto-clients'.");
        var data = mnist.Data;
        await using var mosquitto = await MosquittoProcess.StartAsync();
        await using var watcher = await Watcher.StartAsync(mosquitto.Uri);
        using var folder = new Folder();
        await using var first = NodeProgram.Start(watcher, mosquitto.Uri, "node_0", data, folder.Path);
        await using var second = NodeProgram.Start(watcher, mosquitto.Uri, "node_1", data, folder.Path);
        await watcher.WaitForNodesAsync("node_0", "node_1");

        using (var publish = Process.Start("/usr/bin/mosquitto_pub", [
            "-p", mosquitto.Port.ToString(CultureInfo.InvariantCulture), "-r", "-q", "1",
            "-f", Path.Combine(MnistFixture.Repository, "examples", "Mnist", "swarm.json"), "-t", "mantalight/local/swarms/mnist"]))
        {
            await publish.WaitForExitAsync();
            Assert.Equal(0, publish.ExitCode);
        }
        await watcher.WaitAsync<TaskRunning>(t => t is { From: "node_1", Alias: "worker", Round: 2 });
        await second.KillAsync();
        await using var back = NodeProgram.Start(watcher, mosquitto.Uri, "node_1", data, folder.Path);
        var end = await watcher.WaitAsync<SwarmState>(s => s.Status == RunStatus.Completed);
        Assert.Equal(8, end.Round);
        Assert.All(end.History, h => Assert.Equal(2, h.Participants));
        Assert.InRange(end.History[^1].Metrics["test_metrics.accuracy"], 0.8, 1);
        Assert.Equal((0, 0), (await first.StopAsync(), await back.StopAsync()));
    }

    [Fact]
    public async Task A_second_process_with_the_id_of_the_first_ends_with_a_clear_message()
    {
        var data = mnist.Data;
        await using var mosquitto = await MosquittoProcess.StartAsync();
        await using var watcher = await Watcher.StartAsync(mosquitto.Uri);
        using var folder = new Folder();
        await using var first = NodeProgram.Start(watcher, mosquitto.Uri, "node_0", data, folder.Path);
        await watcher.WaitForNodesAsync("node_0");
        await using var second = NodeProgram.Start(null, mosquitto.Uri, "node_0", data, folder.Path);
        Assert.Equal(3, await second.Exited.WaitAsync(Patience));
        Assert.Contains("'node_0' is in use", second.Written, StringComparison.Ordinal);
        Assert.False(first.Exited.IsCompleted);
        Assert.Equal(0, await first.StopAsync());
    }

    /// <summary>One node in a process of its own; all that it writes is read at once, since a full pipe would block it.</summary>
    private sealed class NodeProgram : IAsyncDisposable
    {
        private readonly Process process;
        private readonly StringBuilder written = new();
        private volatile bool ending;

        private NodeProgram(string id, Process process, Watcher? watcher)
        {
            this.process = process;
            Exited = WaitAsync(id, watcher);
        }

        /// <summary>Its exit code, when all that it wrote has been read.</summary>
        public Task<int> Exited { get; }

        public string Written
        {
            get
            {
                lock (written)
                    return written.ToString();
            }
        }

        /// <param name="watcher">Told when the process ends though nobody has asked it to; null where that is expected.</param>
        public static NodeProgram Start(Watcher? watcher, Uri broker, string id, string data, string folder)
        {
            var program = Path.Combine(AppContext.BaseDirectory, "MantaLight.Cli.dll");
            var module = Path.Combine(MnistFixture.Repository, "examples", "Mnist");
            var process = Process.Start(new ProcessStartInfo("dotnet", [
                program, "node", "--id", id, "--broker", broker.OriginalString, "--module", module, "--state-folder", Path.Combine(folder, id),
                "--dataset", $"mnist={Path.Combine(data, "mnist", id, "mnist.npz")}"])
            { RedirectStandardError = true, RedirectStandardOutput = true })!;
            return new NodeProgram(id, process, watcher);
        }

        public async Task KillAsync()
        {
            ending = true;
            process.Kill();
            await Exited.WaitAsync(Patience);
        }

        public async Task<int> StopAsync()
        {
            ending = true;
            using var kill = Process.Start("kill", ["-TERM", process.Id.ToString(CultureInfo.InvariantCulture)]);
            await kill.WaitForExitAsync();
            return await Exited.WaitAsync(Patience);
        }

        public async ValueTask DisposeAsync()
        {
            if (!Exited.IsCompleted)
                await KillAsync();
            process.Dispose();
        }

        private async Task<int> WaitAsync(string id, Watcher? watcher)
        {
            await Task.WhenAll(ReadAsync(process.StandardOutput), ReadAsync(process.StandardError));
            await process.WaitForExitAsync();
            if (!ending)
                watcher?.Fail($"{id} ended with exit code {process.ExitCode} and had written:{Environment.NewLine}{Written}");
            return process.ExitCode;
        }

        private async Task ReadAsync(StreamReader reader)
        {
            while (await reader.ReadLineAsync() is { } line)
            {
                lock (written)
                    written.AppendLine(line);
            }
        }
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

        /// <summary>Ends every wait.</summary>
        public void Fail(string reason) => messages.Writer.TryComplete(new InvalidOperationException(reason));

        /// <summary>Waits until the nodes are online, in whatever order they come.</summary>
        public async Task WaitForNodesAsync(params string[] ids)
        {
            var missing = ids.ToHashSet(StringComparer.Ordinal);
            await WaitAsync<Presence>(p => p.Status == NodeStatus.Online && missing.Remove(p.From) && missing.Count == 0);
        }

        /// <summary>The next message that is wanted; those before it are gone. A run that ends otherwise ends the wait too, with its reason.</summary>
        public async Task<T> WaitAsync<T>(Func<T, bool> condition)
            where T : ControlMessage
        {
            using var patience = new CancellationTokenSource(Patience);
            var last = "no state";
            try
            {
                await foreach (var message in messages.Reader.ReadAllAsync(patience.Token))
                {
                    if (message is T wanted && condition(wanted))
                        return wanted;
                    if (message is not SwarmState state)
                        continue;
                    last = $"{state.Status} in round {state.Round} ({state.Reason ?? "no reason given"})";
                    if (state.Status.IsFinal())
                        throw new InvalidOperationException($"The run ended before what was waited for: {last}.");
                }
            }
            catch (OperationCanceledException)
            {
                throw new TimeoutException($"Nothing within {Patience.TotalSeconds:0} s; the state of the run: {last}.");
            }
            throw new InvalidOperationException("The channel has ended.");
        }

        public ValueTask DisposeAsync() => connection.DisposeAsync();
    }
}

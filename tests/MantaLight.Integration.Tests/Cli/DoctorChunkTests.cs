using System.Diagnostics;
using System.Text.Json;
using System.Threading.Channels;
using MantaLight.Cli;
using MantaLight.Integration.Tests.Brokers;
using MantaLight.Messaging;
using MantaLight.Mqtt;

namespace MantaLight.Integration.Tests.Cli;

/// <summary>The doctor's chunk: stored for real where nodes store theirs, and gone afterwards, whatever happens.</summary>
public sealed class DoctorChunkTests : IDisposable
{
    private const string Chunks = "mantalight/local/swarms/+/blobs/+/+";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("mantalight-doctor-chunk-");

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public async Task A_chunk_of_full_size_is_stored_below_the_cluster_read_back_and_cleared()
    {
        await using var mosquitto = await MosquittoProcess.StartAsync();
        await using var watcher = await Watcher.StartAsync(mosquitto.Uri);
        var found = await RunAsync(mosquitto.Uri);
        Assert.Equal("ok", found.GetProperty("verdict").GetString());
        Assert.Matches(@"a chunk of 256 KiB is stored below 'mantalight/local/' and read back after \d", found.GetProperty("found").GetString()!);
        Assert.Equal(256 * 1024, (await watcher.NextAsync()).Size);
        Assert.Equal(0, (await watcher.NextAsync()).Size);
        Assert.Empty(await Watcher.RetainedAsync(mosquitto.Uri));
    }

    [Fact]
    public async Task A_broker_that_takes_less_than_it_announces_is_a_problem()
    {
        // mosquitto announces max_packet_size, and not this.
        await using var mosquitto = await MosquittoProcess.StartAsync("allow_anonymous true\nmessage_size_limit 100000");
        var found = await RunAsync(mosquitto.Uri);
        Assert.Equal("problem", found.GetProperty("verdict").GetString());
        Assert.Contains("MANTALIGHT_MQTT__MAXIMUMPACKETSIZE", found.GetProperty("remedy").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("topic readwrite mantalight/selftest/#", "NotAuthorized")]
    [InlineData("topic readwrite mantalight/selftest/#\ntopic write mantalight/local/#", "is not read back")]
    public async Task Access_rules_that_keep_chunks_out_are_a_problem(string rules, string problem)
    {
        await using var mosquitto = await MosquittoProcess.StartAsync(await RulesAsync(rules));
        var found = await RunAsync(mosquitto.Uri);
        Assert.Equal("problem", found.GetProperty("verdict").GetString());
        Assert.Contains(problem, found.GetProperty("found").GetString(), StringComparison.Ordinal);
        Assert.Contains("write and read below 'mantalight/local/'", found.GetProperty("remedy").GetString(), StringComparison.Ordinal);
        Assert.DoesNotContain("could not be removed", found.GetProperty("found").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_doctor_that_is_interrupted_clears_its_chunk()
    {
        await using var mosquitto = await MosquittoProcess.StartAsync(await UnreadableAsync());
        await using var watcher = await Watcher.StartAsync(mosquitto.Uri);
        using var interrupt = CancellationTokenSource.CreateLinkedTokenSource(Cancelled);
        var running = CliRun.OfAsync(["doctor", "--broker", mosquitto.Uri.OriginalString, "--state-folder", folder.FullName], interrupt.Token);
        Assert.NotEqual(0, (await watcher.NextAsync()).Size);
        await interrupt.CancelAsync();
        Assert.Equal(ExitCodes.Cancelled, (await running).Code);
        Assert.Equal(0, (await watcher.NextAsync()).Size);
        Assert.Empty(await Watcher.RetainedAsync(mosquitto.Uri));
    }

    [Fact]
    public async Task A_doctor_that_is_killed_has_its_chunk_cleared_by_its_will()
    {
        await using var mosquitto = await MosquittoProcess.StartAsync(await UnreadableAsync());
        await using var watcher = await Watcher.StartAsync(mosquitto.Uri);
        using (var process = Process.Start(new ProcessStartInfo("dotnet", [
            Path.Combine(AppContext.BaseDirectory, "MantaLight.Cli.dll"), "doctor", "--broker", mosquitto.Uri.OriginalString, "--state-folder", folder.FullName])
        { RedirectStandardOutput = true })!)
        {
            Assert.NotEqual(0, (await watcher.NextAsync()).Size);
            process.Kill();
            await process.WaitForExitAsync(Cancelled);
        }
        Assert.Equal(0, (await watcher.NextAsync()).Size);
        Assert.Empty(await Watcher.RetainedAsync(mosquitto.Uri));
    }

    /// <summary>Rules by which the doctor waits for its chunk, and a watcher sees it.</summary>
    private Task<string> UnreadableAsync() =>
        RulesAsync("topic readwrite mantalight/selftest/#\ntopic write mantalight/local/#\nuser watcher\ntopic readwrite mantalight/selftest/#\ntopic read mantalight/local/#");

    private async Task<string> RulesAsync(string rules)
    {
        var file = Path.Combine(folder.FullName, "rules");
        await File.WriteAllTextAsync(file, rules + "\n", Cancelled);
        return $"allow_anonymous true\nacl_file {file}";
    }

    private async Task<JsonElement> RunAsync(Uri broker)
    {
        var run = await CliRun.OfAsync("doctor", "--json", "--broker", broker.OriginalString, "--state-folder", folder.FullName);
        return JsonElement.Parse(run.Output).GetProperty("findings").EnumerateArray().Single(f => f.GetProperty("check").GetString() == "chunk");
    }

    private sealed class Watcher(IBrokerConnection connection) : IAsyncDisposable
    {
        private readonly Channel<(string Topic, int Size)> seen = Channel.CreateUnbounded<(string, int)>();

        public static async Task<Watcher> StartAsync(Uri uri)
        {
            var watcher = new Watcher(await ConnectAsync(uri, "watcher"));
            await watcher.Connection.SubscribeAsync(Chunks, m => watcher.seen.Writer.TryWrite((m.Topic, (int)m.Payload.Length)), Cancelled);
            return watcher;
        }

        private IBrokerConnection Connection => connection;

        public async Task<(string Topic, int Size)> NextAsync()
        {
            using var patience = new CancellationTokenSource(Patience);
            return await seen.Reader.ReadAsync(patience.Token);
        }

        /// <summary>What a newcomer is replayed, before a message of its own that comes after it.</summary>
        public static async Task<IReadOnlyList<string>> RetainedAsync(Uri uri)
        {
            var retained = new List<string>();
            var end = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            await using var newcomer = await ConnectAsync(uri, "newcomer");
            await using var all = await newcomer.SubscribeAsync(Chunks, m => retained.Add(m.Topic), Cancelled);
            await using var own = await newcomer.SubscribeAsync("mantalight/selftest/end", _ => end.TrySetResult(), Cancelled);
            await newcomer.PublishAsync(new OutboundMessage("mantalight/selftest/end", new byte[1]), Cancelled);
            await end.Task.WaitAsync(Patience, Cancelled);
            return retained;
        }

        public ValueTask DisposeAsync() => connection.DisposeAsync();

        private static Task<IBrokerConnection> ConnectAsync(Uri uri, string id) =>
            new MqttBroker(new MqttBrokerOptions { Uri = uri, UserName = "watcher", Password = "any" }).ConnectAsync(new ConnectionProfile { ClientId = id }, Cancelled);
    }
}

using System.Buffers;
using System.Text;
using MantaLight.Broker;
using MantaLight.Integration.Tests.Brokers;
using MantaLight.Messaging;
using MantaLight.Mqtt;
using MantaLight.Shared;
using Microsoft.Extensions.Time.Testing;
using MQTTnet;
using MQTTnet.Protocol;

namespace MantaLight.Integration.Tests.Messaging;

/// <summary>What the embedded broker keeps, on disk and for how long.</summary>
public sealed class RetainedStoreTests : IDisposable
{
    private static readonly CancellationToken None = CancellationToken.None;

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("mantalight-store-");
    private readonly TestLoggers loggers = new();
    private readonly FakeTimeProvider time = new(TimeProvider.System.GetUtcNow());

    private IEnumerable<string> StoredFiles => folder.EnumerateFiles("*.retained").Select(file => file.FullName).Order(StringComparer.Ordinal);

    [Fact]
    public async Task Retained_messages_survive_a_restart()
    {
        var bytes = Enumerable.Range(0, 300_000).Select(i => (byte)(i * 7)).ToArray();
        await using (var broker = await StartAsync())
        {
            await using var connection = await ConnectAsync(broker);
            await connection.PublishAsync(new OutboundMessage("kept/äöü/+1".Replace("+", "", StringComparison.Ordinal), bytes, retain: true), None);
            await connection.PublishAsync(new OutboundMessage("kept/changed", "old"u8.ToArray(), retain: true), None);
            await connection.PublishAsync(new OutboundMessage("kept/changed", "new"u8.ToArray(), retain: true), None);
            await connection.PublishAsync(new OutboundMessage("kept/removed", "x"u8.ToArray(), retain: true), None);
            await connection.PublishAsync(new OutboundMessage("kept/removed", Array.Empty<byte>(), retain: true), None);
            await connection.PublishAsync(new OutboundMessage("not-retained", "x"u8.ToArray()), None);
        }

        await using var restarted = await StartAsync();
        await using var reader = await ConnectAsync(restarted);
        var found = await RetainedAsync(reader, "#");

        Assert.Equal(["kept/changed", "kept/äöü/1"], found.Keys.Order(StringComparer.Ordinal));
        Assert.True(bytes.AsSpan().SequenceEqual(found["kept/äöü/1"]));
        Assert.Equal("new", Encoding.UTF8.GetString(found["kept/changed"]));
        Assert.Empty(loggers.Errors);
    }

    [Theory]
    [InlineData("cut")]
    [InlineData("flipped")]
    [InlineData("empty")]
    [InlineData("renamed")]
    public async Task A_corrupt_file_is_set_aside_and_the_others_are_loaded(string damage)
    {
        await using (var broker = await StartAsync())
        {
            await using var connection = await ConnectAsync(broker);
            for (var i = 0; i < 3; i++)
                await connection.PublishAsync(new OutboundMessage($"t/{i}", Encoding.UTF8.GetBytes($"value {i}"), retain: true), None);
        }

        var victim = StoredFiles.First();
        Damage(victim, damage);
        await File.WriteAllBytesAsync(victim + ".tmp", new byte[10]);

        await using var restarted = await StartAsync();
        await using var reader = await ConnectAsync(restarted);
        Assert.Equal(2, (await RetainedAsync(reader, "t/+")).Count);
        Assert.Contains("set aside", Assert.Single(loggers.Errors), StringComparison.Ordinal);
        Assert.Single(Directory.GetFiles(Path.Combine(folder.FullName, "corrupt")));
        Assert.Empty(folder.GetFiles("*.tmp"));
    }

    [Fact]
    public async Task Two_brokers_cannot_share_a_store()
    {
        await using var broker = await StartAsync();
        var problem = await Assert.ThrowsAsync<InvalidSettingException>(StartAsync);
        Assert.Contains(folder.FullName, problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_store_that_is_no_folder_is_said_by_name()
    {
        var file = Path.Combine(folder.FullName, "file");
        await File.WriteAllTextAsync(file, "x");
        var problem = await Assert.ThrowsAsync<InvalidSettingException>(
            () => EmbeddedBroker.StartAsync(new EmbeddedBrokerOptions { Port = 0, StoreFolder = file }, loggers, time, None));
        Assert.Contains(file, problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_retained_message_with_an_expiry_goes_when_it_is_due_over_a_restart_too()
    {
        var broker = await StartAsync();
        using (var client = await LibraryClientAsync(broker, "raw", expiry: 0))
        {
            await client.PublishAsync(new MqttApplicationMessage
            {
                Topic = "mortal",
                PayloadSegment = "x"u8.ToArray(),
                Retain = true,
                MessageExpiryInterval = 30,
                QualityOfServiceLevel = MqttQualityOfServiceLevel.AtLeastOnce,
            });
            await client.PublishAsync(new MqttApplicationMessage { Topic = "eternal", PayloadSegment = "x"u8.ToArray(), Retain = true, QualityOfServiceLevel = MqttQualityOfServiceLevel.AtLeastOnce });
        }

        await broker.DisposeAsync();
        broker = await StartAsync();
        await using var reader = await ConnectAsync(broker);
        Assert.Equal(2, (await RetainedAsync(reader, "#")).Count);

        time.Advance(TimeSpan.FromSeconds(31));

        await UntilAsync(async () => (await RetainedAsync(reader, "#")).Count == 1);
        await UntilAsync(() => Task.FromResult(StoredFiles.Count() == 1));
        await broker.DisposeAsync();
    }

    [Fact]
    public async Task A_session_is_kept_for_its_expiry_and_no_longer()
    {
        await using var broker = await StartAsync();
        using (var client = await LibraryClientAsync(broker, "sleeper", expiry: 60))
        {
            await client.SubscribeAsync("s");
            await client.DisconnectAsync();
        }

        using var publisher = await LibraryClientAsync(broker, "publisher", expiry: 0);
        time.Advance(TimeSpan.FromSeconds(50));
        Assert.Equal(MqttClientPublishReasonCode.Success, await PublishAsync());

        time.Advance(TimeSpan.FromSeconds(20));
        await UntilAsync(async () => await PublishAsync() == MqttClientPublishReasonCode.NoMatchingSubscribers);

        async Task<MqttClientPublishReasonCode> PublishAsync() =>
            (await publisher.PublishStringAsync("s", "x", MqttQualityOfServiceLevel.AtLeastOnce)).ReasonCode;
    }

    public void Dispose()
    {
        loggers.Dispose();
        folder.Delete(recursive: true);
    }

    private static void Damage(string path, string kind)
    {
        var bytes = File.ReadAllBytes(path);
        switch (kind)
        {
            case "cut":
                File.WriteAllBytes(path, bytes[..^1]);
                break;
            case "flipped":
                bytes[bytes.Length / 2] ^= 1;
                File.WriteAllBytes(path, bytes);
                break;
            case "empty":
                File.WriteAllBytes(path, []);
                break;
            default:
                File.Move(path, Path.Combine(Path.GetDirectoryName(path)!, new string('0', 64) + ".retained"));
                break;
        }
    }

    private Task<EmbeddedBroker> StartAsync() =>
        EmbeddedBroker.StartAsync(new EmbeddedBrokerOptions { Port = 0, StoreFolder = folder.FullName }, loggers, time, None);

    private static Task<IBrokerConnection> ConnectAsync(EmbeddedBroker broker) =>
        new MqttBroker(new MqttBrokerOptions { Uri = broker.Uri }).ConnectAsync(new ConnectionProfile { ClientId = "reader" }, None);

    /// <summary>A client with what our own connection does not use.</summary>
    private static async Task<IMqttClient> LibraryClientAsync(EmbeddedBroker broker, string id, uint expiry)
    {
        var client = new MqttClientFactory().CreateMqttClient();
        await client.ConnectAsync(new MqttClientOptionsBuilder().WithTcpServer("127.0.0.1", broker.Port).WithClientId(id)
            .WithCleanStart(false).WithSessionExpiryInterval(expiry).Build());
        return client;
    }

    /// <summary>All retained messages that a filter matches: those that come before a message sent after the subscription.</summary>
    private static async Task<Dictionary<string, byte[]>> RetainedAsync(IBrokerConnection connection, string filter)
    {
        var inbox = new Inbox();
        await using var subscription = await connection.SubscribeAsync(filter, inbox.Receive, None);
        var sentinel = filter.Replace("#", "sentinel", StringComparison.Ordinal).Replace("+", "sentinel", StringComparison.Ordinal);
        await connection.PublishAsync(new OutboundMessage(sentinel, "x"u8.ToArray()), None);
        var found = new Dictionary<string, byte[]>();
        while (true)
        {
            var message = await inbox.NextAsync();
            if (message.Topic == sentinel)
                return found;
            found[message.Topic] = message.Payload.ToArray();
        }
    }

    private static async Task UntilAsync(Func<Task<bool>> holds)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (!await holds())
        {
            Assert.True(TimeProvider.System.GetElapsedTime(started) < Inbox.Patience, "It did not happen in time.");
            await Task.Yield();
        }
    }
}

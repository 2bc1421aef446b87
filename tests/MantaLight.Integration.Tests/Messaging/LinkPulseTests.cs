using MantaLight.Integration.Tests.Brokers;
using MantaLight.Messaging;
using MantaLight.Mqtt;
using MantaLight.Mqtt.Connections;
using MantaLight.Shared;
using Microsoft.Extensions.Logging.Abstractions;

namespace MantaLight.Integration.Tests.Messaging;

/// <summary>How a connection finds out whether its line lives; nobody else judges that.</summary>
public sealed class LinkPulseTests
{
    private static readonly byte[] AcceptWithKeepAliveOfOneSecond = [0x20, 0x06, 0x00, 0x00, 0x03, 0x13, 0x00, 0x01];

    [Fact]
    public async Task The_broker_is_told_how_much_silence_to_expect()
    {
        await using var broker = new FakeBroker(_ => FakeBroker.Accept5);
        await using var connection = await OpenAsync(broker, TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(300));
        var connect = await broker.NextAsync(WirePacket.Connect);
        // After the protocol's name, its version and the flags.
        Assert.Equal(300, (connect.Body[8] << 8) | connect.Body[9]);
    }

    [Theory]
    [InlineData(1, false)]
    [InlineData(60, true)]
    public async Task A_slow_line_by_which_messages_come_lives_until_they_do_not(int keepAlive, bool brokerWantsOneSecond)
    {
        await using var broker = new FakeBroker(_ => brokerWantsOneSecond ? AcceptWithKeepAliveOfOneSecond : FakeBroker.Accept5) { AnswersPings = false };
        await using var connection = await OpenAsync(broker, timeout: TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(keepAlive));
        var statuses = new StatusLog(connection);
        // The answer to a ping is behind them all.
        for (var i = 0; i < 40; i++)
        {
            await broker.PublishAsync();
            await Task.Delay(TimeSpan.FromMilliseconds(100), TestContext.Current.CancellationToken);
        }
        Assert.True(connection.IsConnected, connection.Problem);

        Assert.Equal(ConnectionStatus.Lost, await statuses.NextAsync());
    }

    [Fact]
    public async Task A_broker_that_sends_and_never_reads_is_found_out()
    {
        await using var broker = new FakeBroker(_ => FakeBroker.Accept5) { AnswersPings = false };
        await using var connection = await OpenAsync(broker, timeout: TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(1));
        var statuses = new StatusLog(connection);
        var lost = statuses.NextAsync();
        while (!lost.IsCompleted)
        {
            try
            {
                await broker.PublishAsync();
            }
            catch (Exception e) when (e is IOException or ObjectDisposedException)
            {
                // The broker's side has ended with the link.
                break;
            }
            await Task.WhenAny(lost, Task.Delay(TimeSpan.FromMilliseconds(20), TestContext.Current.CancellationToken));
        }
        Assert.Equal(ConnectionStatus.Lost, await lost);
        // The second where this process had no time to publish for as long.
        Assert.Matches("no answer to a ping|no sign of life", connection.Problem);
    }

    private static async Task<IBrokerConnection> OpenAsync(FakeBroker broker, TimeSpan timeout, TimeSpan keepAlive)
    {
        var profile = new ConnectionProfile { ClientId = "link", Reconnect = false, Timeout = timeout, KeepAlive = keepAlive };
        var endpoint = new MqttEndpoint(new MqttBrokerOptions { Uri = broker.Uri });
        return await MqttConnection.OpenAsync(endpoint, profile, replaysByWildcard: true, TimeProvider.System, NullLogger.Instance, CancellationToken.None);
    }
}

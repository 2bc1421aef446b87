using System.Runtime.CompilerServices;
using MantaLight.Integration.Tests.Brokers;
using MantaLight.Messaging;
using MantaLight.Mqtt;
using MantaLight.Mqtt.Connections;
using MantaLight.Shared;
using Microsoft.Extensions.Logging.Abstractions;

namespace MantaLight.Integration.Tests.Messaging;

/// <summary>What a connection does towards brokers that misbehave; the self-test is left out, since these would not pass.</summary>
public sealed class MqttLinkTests
{
    private static readonly CancellationToken None = CancellationToken.None;

    [Fact]
    public async Task Never_more_publishes_are_unacknowledged_than_the_broker_announced()
    {
        await using var broker = new FakeBroker(_ => FakeBroker.Accept5With(3, 1_000_000));
        await using var connection = await OpenAsync(broker);
        Assert.Equal(3, connection.Limits.Window);

        var publishes = Enumerable.Range(0, 10).Select(_ => connection.PublishAsync(Message(), None).AsTask()).ToList();

        var held = new Queue<WirePacket>();
        for (var i = 0; i < 3; i++)
            held.Enqueue(await broker.NextAsync(WirePacket.Publish));
        for (var i = 3; i < 10; i++)
        {
            // QoS 0 has no window but keeps its place in the order, so none of it overtakes the held back ones.
            Assert.False(broker.Received.Reader.TryPeek(out _));
            await broker.AcknowledgeAsync(held.Dequeue());
            held.Enqueue(await broker.NextAsync(WirePacket.Publish));
        }

        Assert.Equal(7, publishes.Count(publish => publish.IsCompletedSuccessfully));
        while (held.TryDequeue(out var last))
            await broker.AcknowledgeAsync(last);
        await Task.WhenAll(publishes);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_is_sent_or_given_up_is_not_kept_by_the_callers_token(bool isSent)
    {
        using var life = new CancellationTokenSource();
        var payload = PublishAndForget(isSent, life.Token);
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        Assert.False(payload.IsAlive);
        GC.KeepAlive(life);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference PublishAndForget(bool isSent, CancellationToken life)
    {
        var payload = new byte[100];
        var publish = new OutgoingPublishes().Begin(new OutboundMessage("t", payload), life);
        if (isSent)
            Assert.True(publish.TryStart());
        else
            publish.Fail(new BrokerConnectionLostException("down"));
        return new WeakReference(payload);
    }

    [Fact]
    public async Task A_packet_beyond_what_the_broker_announced_is_not_sent()
    {
        await using var broker = new FakeBroker(_ => FakeBroker.Accept5With(10, 20_000));
        await using var connection = await OpenAsync(broker);

        var refusal = await Assert.ThrowsAsync<BrokerRefusedException>(async () => await connection.PublishAsync(Message(20_000), None));
        Assert.Contains("20000", refusal.Message, StringComparison.Ordinal);

        // Topic "t": 2 + 1, identifier 2, properties 1, header 1 + 3.
        var largest = connection.PublishAsync(Message(20_000 - 10), None);
        await broker.AcknowledgeAsync(await broker.NextAsync(WirePacket.Publish));
        await largest;
        await Assert.ThrowsAsync<BrokerRefusedException>(async () => await connection.PublishAsync(Message(20_000 - 9), None));
    }

    [Fact]
    public async Task An_acknowledgement_that_does_not_come_in_time_ends_the_connection()
    {
        await using var broker = new FakeBroker(_ => FakeBroker.Accept5);
        await using var connection = await OpenAsync(broker, timeout: TimeSpan.FromMilliseconds(300));
        var statuses = new StatusLog(connection);

        var loss = await Assert.ThrowsAsync<BrokerConnectionLostException>(async () => await connection.PublishAsync(Message(), None));

        Assert.Contains("no acknowledgement", loss.Message, StringComparison.Ordinal);
        Assert.Equal(ConnectionStatus.Lost, await statuses.NextAsync());
    }

    [Fact]
    public async Task An_acknowledgement_that_comes_late_behind_much_else_on_a_slow_line_is_waited_for()
    {
        await using var broker = new FakeBroker(_ => FakeBroker.Accept5);
        await using var connection = await OpenAsync(broker, timeout: TimeSpan.FromMilliseconds(500));

        var publish = connection.PublishAsync(Message(), None).AsTask();
        var sent = await broker.NextAsync(WirePacket.Publish);
        for (var i = 0; i < 20; i++)
        {
            await broker.PublishAsync();
            await Task.Delay(TimeSpan.FromMilliseconds(100), None);
        }
        Assert.False(publish.IsCompleted);
        await broker.AcknowledgeAsync(sent);

        await publish;
    }

    [Fact]
    public async Task A_broker_that_answers_no_pings_is_found_dead()
    {
        await using var broker = new FakeBroker(_ => FakeBroker.Accept5) { AnswersPings = false };
        await using var connection = await OpenAsync(broker, timeout: TimeSpan.FromSeconds(3), keepAlive: TimeSpan.FromSeconds(1));
        var statuses = new StatusLog(connection);

        Assert.Equal(ConnectionStatus.Lost, await statuses.NextAsync());
        Assert.Equal(ConnectionStatus.Closed, await statuses.NextAsync());
    }

    [Fact]
    public async Task A_refused_message_is_an_error_and_the_connection_lives()
    {
        await using var broker = new FakeBroker(_ => FakeBroker.Accept5);
        await using var connection = await OpenAsync(broker);

        var refused = connection.PublishAsync(Message(), None).AsTask();
        await broker.AcknowledgeAsync(await broker.NextAsync(WirePacket.Publish), reason: 0x87);
        var refusal = await Assert.ThrowsAsync<BrokerRefusedException>(() => refused);
        Assert.Contains("NotAuthorized", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("'t'", refusal.Message, StringComparison.Ordinal);

        var unwatched = connection.PublishAsync(Message(), None);
        await broker.AcknowledgeAsync(await broker.NextAsync(WirePacket.Publish), reason: 0x10);
        await unwatched;
    }

    [Fact]
    public async Task A_publish_that_waits_for_the_window_can_be_cancelled_and_is_never_sent()
    {
        await using var broker = new FakeBroker(_ => FakeBroker.Accept5With(1, 1_000_000));
        await using var connection = await OpenAsync(broker);
        using var cancel = new CancellationTokenSource();
        var first = connection.PublishAsync(Message(11), None);
        var cancelled = connection.PublishAsync(Message(22), cancel.Token).AsTask();
        var third = connection.PublishAsync(Message(33), None);
        var held = await broker.NextAsync(WirePacket.Publish);

        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled);
        await broker.AcknowledgeAsync(held);

        var next = await broker.NextAsync(WirePacket.Publish);
        Assert.Equal(33, next.Body.Length - 6);
        await broker.AcknowledgeAsync(next);
        await first;
        await third;
    }

    [Fact]
    public async Task An_acknowledgement_that_later_ones_have_overtaken_is_lost_and_ends_the_connection_although_they_come()
    {
        var timeout = TimeSpan.FromSeconds(1.5);
        await using var broker = new FakeBroker(_ => FakeBroker.Accept5With(3, 1_000_000));
        await using var connection = await OpenAsync(broker, timeout);
        var first = connection.PublishAsync(Message(), None).AsTask();
        await broker.NextAsync(WirePacket.Publish);
        var answered = 0;
        var answering = AnswerAsync();

        // While others are answered the line lives, and an answer that is only slow would have ten times as long.
        await Assert.ThrowsAsync<BrokerConnectionLostException>(() => first.WaitAsync(6 * timeout));
        // Whichever side finds out first.
        await Assert.ThrowsAnyAsync<Exception>(() => answering);
        Assert.True(answered > 3);

        async Task AnswerAsync()
        {
            while (true)
            {
                var next = connection.PublishAsync(Message(), None).AsTask();
                var sent = broker.NextAsync(WirePacket.Publish);
                await await Task.WhenAny(sent, first);
                await await Task.WhenAny(broker.AcknowledgeAsync(await sent), first);
                await await Task.WhenAny(next, first);
                answered++;
                // As fast as it can be it would come to the first one's identifier again: there are 65,535.
                await Task.Delay(1, TestContext.Current.CancellationToken);
            }
        }
    }

    [Fact]
    public async Task What_is_under_way_fails_when_the_broker_goes()
    {
        var broker = new FakeBroker(_ => FakeBroker.Accept5With(2, 1_000_000));
        await using var connection = await OpenAsync(broker);
        var publishes = Enumerable.Range(0, 5).Select(_ => connection.PublishAsync(Message(), None).AsTask()).ToList();
        await broker.NextAsync(WirePacket.Publish);

        await broker.DisposeAsync();

        foreach (var publish in publishes)
            await Assert.ThrowsAsync<BrokerConnectionLostException>(() => publish.WaitAsync(Inbox.Patience));
    }

    [Fact]
    public async Task A_connection_whose_broker_has_gone_is_closed_without_waiting()
    {
        var broker = new FakeBroker(_ => FakeBroker.Accept5);
        await using var connection = await OpenAsync(broker, timeout: TimeSpan.FromMinutes(5), reconnect: true);
        var publish = connection.PublishAsync(Message(), None).AsTask();
        await broker.NextAsync(WirePacket.Publish);
        var statuses = new StatusLog(connection);
        await broker.DisposeAsync();
        Assert.Equal(ConnectionStatus.Lost, await statuses.NextAsync());

        await connection.CloseAsync(None).WaitAsync(Inbox.Patience);

        await Assert.ThrowsAsync<BrokerConnectionLostException>(() => publish);
    }

    [Fact]
    public async Task A_refusal_at_reconnecting_closes_the_connection()
    {
        var connects = 0;
        await using var broker = new FakeBroker(_ => Interlocked.Increment(ref connects) == 1 ? FakeBroker.Accept5 : [0x20, 0x03, 0x00, 0x87, 0x00]);
        await using var connection = await OpenAsync(broker, timeout: TimeSpan.FromMilliseconds(300), reconnect: true);
        var statuses = new StatusLog(connection);

        await Assert.ThrowsAsync<BrokerConnectionLostException>(async () => await connection.PublishAsync(Message(), None));

        Assert.Equal(ConnectionStatus.Lost, await statuses.NextAsync());
        Assert.Equal(ConnectionStatus.Closed, await statuses.NextAsync());
        Assert.Equal(2, connects);
    }

    private static async Task<IBrokerConnection> OpenAsync(FakeBroker broker, TimeSpan? timeout = null, TimeSpan? keepAlive = null, bool reconnect = false)
    {
        var profile = new ConnectionProfile { ClientId = "link", Reconnect = reconnect };
        profile = profile with { Timeout = timeout ?? profile.Timeout, KeepAlive = keepAlive ?? profile.KeepAlive };
        var endpoint = new MqttEndpoint(new MqttBrokerOptions { Uri = broker.Uri });
        return await MqttConnection.OpenAsync(endpoint, profile, replaysByWildcard: true, TimeProvider.System, NullLogger.Instance, None);
    }

    private static OutboundMessage Message(int size = 10) => new("t", new byte[size]);
}

using MantaLight.Messaging;
using MQTTnet;
using MQTTnet.Packets;
using MQTTnet.Protocol;

namespace MantaLight.Mqtt.Connections;

/// <summary>
/// One life of a connection, from CONNACK to the loss of the socket; it never reconnects. Publishes go out in the order
/// of the calls, with never more unanswered than the broker's window allows.
/// </summary>
internal sealed class MqttLink : IPacketSink, IAsyncDisposable
{
    private const int FiltersPerSubscribe = 50;

    private readonly IMqttClient client;
    private readonly MqttEndpoint endpoint;
    private readonly ConnectionProfile profile;
    private readonly TrafficCounter traffic;
    private readonly TimeProvider time;
    private readonly PendingAcknowledgements pending;
    private readonly OutgoingPublishes publishes = new();
    private readonly PacketWriter writer;
    private readonly TaskCompletionSource<string> lost = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource alive = new();
    private readonly CancellationToken aliveToken;
    private readonly Action<BrokerMessage> receive;
    private readonly LinkPulse pulse;
    private Task pulsing = Task.CompletedTask;
    private ushort serverKeepAlive;
    private string? whyDown;

    private MqttLink(MqttEndpoint endpoint, ConnectionProfile profile, Action<BrokerMessage> receive, TrafficCounter traffic, TimeProvider time)
    {
        (this.endpoint, this.profile, this.receive, this.traffic, this.time) = (endpoint, profile, receive, traffic, time);
        aliveToken = alive.Token;
        pending = new PendingAcknowledgements(time);
        writer = new PacketWriter(pending, traffic, publish => Down($"the broker did not acknowledge '{publish.Message.Topic}' (it may or may not have arrived)"), aliveToken);
        client = new MqttClientFactory().CreateMqttClient(new LinkAdapter.Factory(profile.KeepAlive, writer, this, problem => Cut($"{problem.GetType().Name}: {problem.Message}")));
        pulse = new LinkPulse(client, pending, profile.Timeout, time, Cut);
        client.DisconnectedAsync += OnDisconnected;
    }

    /// <summary>What the broker announced, and what is known of it from elsewhere.</summary>
    public BrokerLimits Limits { get; set; } = new();

    /// <summary>Completes with the reason when the link is down for good.</summary>
    public Task<string> Lost => lost.Task;

    /// <inheritdoc cref="LinkOpening.ConnectAsync"/>
    public static async Task<MqttLink> OpenAsync(
        MqttEndpoint endpoint, ConnectionProfile profile, Action<BrokerMessage> receive, TrafficCounter traffic, TimeProvider time,
        CancellationToken cancellationToken)
    {
        var link = new MqttLink(endpoint, profile, receive, traffic, time);
        try
        {
            var answer = await LinkOpening.ConnectAsync(link.client, endpoint.ClientOptions(profile), endpoint, time, cancellationToken);
            link.Start(LinkOpening.Limits(answer, endpoint));
            return link;
        }
        catch
        {
            await link.DisposeAsync();
            throw;
        }
    }

    /// <inheritdoc cref="IBrokerConnection.PublishAsync"/>
    public ValueTask PublishAsync(in OutboundMessage message, CancellationToken cancellationToken)
    {
        TopicFilter.CheckTopic(message.Name);
        var size = PublishPacket.Size(message);
        if (size > Limits.MaximumPacketSize)
            throw new BrokerRefusedException($"A message of {message.Payload.Length} bytes to '{message.Topic}' makes a packet of {size} bytes, but the broker at {endpoint.Description} takes {Limits.MaximumPacketSize} at most. Send it in smaller chunks or raise the broker's limit.");

        var publish = publishes.Begin(message, cancellationToken);
        var done = publish.Done;
        if (!writer.TryPublish(publish))
            publish.Fail(Down($"'{message.Topic}' was not published"));
        return done;
    }

    /// <summary>Subscribes to all of the filters, in as many packets as it takes.</summary>
    /// <exception cref="BrokerRefusedException">The broker refused one of them.</exception>
    /// <exception cref="BrokerConnectionLostException">The link went down first.</exception>
    public async Task SubscribeAsync(IReadOnlyList<string> filters)
    {
        for (var start = 0; start < filters.Count; start += FiltersPerSubscribe)
        {
            var options = new MqttClientSubscribeOptions();
            for (var i = start; i < Math.Min(start + FiltersPerSubscribe, filters.Count); i++)
                options.TopicFilters.Add(new MqttTopicFilter { Topic = filters[i], QualityOfServiceLevel = MqttQualityOfServiceLevel.AtLeastOnce });
            var answer = await AskAsync(static (client, options, alive) => client.SubscribeAsync(options, alive), options, "subscribe to", filters[start]);
            foreach (var item in answer.Items)
            {
                if (item.ResultCode >= MqttClientSubscribeResultCode.UnspecifiedError)
                    throw new BrokerRefusedException($"The broker at {endpoint.Description} refused the subscription to '{item.TopicFilter.Topic}': {item.ResultCode}. Check its access rules.");
            }
        }
    }

    /// <summary>Takes subscriptions back.</summary>
    /// <exception cref="BrokerConnectionLostException">The link went down first, and they with it.</exception>
    public async Task UnsubscribeAsync(IReadOnlyList<string> filters)
    {
        for (var start = 0; start < filters.Count; start += FiltersPerSubscribe)
        {
            var options = new MqttClientUnsubscribeOptions();
            for (var i = start; i < Math.Min(start + FiltersPerSubscribe, filters.Count); i++)
                options.TopicFilters.Add(filters[i]);
            await AskAsync(static (client, options, alive) => client.UnsubscribeAsync(options, alive), options, "unsubscribe from", filters[start]);
        }
    }

    /// <summary>Sends what is queued, says goodbye, closes.</summary>
    public async Task CloseAsync()
    {
        using var patience = new CancellationTokenSource(profile.Timeout, time);
        try
        {
            await writer.DrainAsync(patience.Token);
            await client.DisconnectAsync(new MqttClientDisconnectOptions { Reason = MqttClientDisconnectOptionsReason.NormalDisconnection }, patience.Token);
        }
        catch (Exception)
        {
            // The link is down already or the broker does not listen: there is nobody left to say goodbye to.
        }

        Cut("closed by its owner");
    }

    /// <summary>Drops the socket without a goodbye; everything under way fails.</summary>
    public void Cut(string reason)
    {
        Interlocked.CompareExchange(ref whyDown, reason, null);
        lost.TrySetResult(reason);
        writer.Complete();
        alive.Cancel();
        try
        {
            client.Dispose();
        }
        catch (ObjectDisposedException)
        {
            // The library's own end of the same connection was just under way.
        }
    }

    public async ValueTask DisposeAsync()
    {
        Cut("disposed");
        await Task.WhenAll(writer.Finished, pulsing);
    }

    void IPacketSink.Accepted(ushort keepAlive) => serverKeepAlive = keepAlive;

    void IPacketSink.Received(in BrokerMessage message, ushort identifier)
    {
        pulse.Heard();
        traffic.CountReceived(message.Name, message.Payload.Length);
        receive(message);
        PayloadBuffer.Release(message.Payload);
        if (identifier != 0 && !writer.TryAcknowledge(identifier))
            Cut($"more than {PacketWriter.MostIdentifiers} messages wait for acknowledgements that the broker does not read");
    }

    void IPacketSink.Acknowledged(ushort identifier, MqttPubAckPacket? refusal)
    {
        pulse.Heard();
        if (writer.Answered(identifier) is { } publish)
            publish.MarkAnswered(refusal is null ? null : Refused(publish.Message, refusal));
    }

    private void Start(BrokerLimits limits)
    {
        Limits = limits;
        writer.Open(limits.Window);
        var keepAlive = serverKeepAlive == 0 ? profile.KeepAlive : TimeSpan.FromSeconds(Math.Min(serverKeepAlive, profile.KeepAlive.TotalSeconds));
        pulsing = pulse.RunAsync(keepAlive / 2, aliveToken);
    }

    private async Task<TAnswer> AskAsync<TWhat, TAnswer>(
        Func<IMqttClient, TWhat, CancellationToken, Task<TAnswer>> request, TWhat asked, string what, string topic)
    {
        var entry = new PendingAcknowledgements.Request(inOrder: false);
        pending.Add(entry);
        try
        {
            var answer = await request(client, asked, aliveToken);
            pulse.Heard();
            return answer;
        }
        catch (Exception problem)
        {
            // A request that failed may have left half a packet on the socket: this link is of no more use.
            Cut($"{problem.GetType().Name}: {problem.Message}");
            throw Down($"it did not {what} '{topic}'", problem);
        }
        finally
        {
            pending.Remove(entry);
        }
    }

    private Task OnDisconnected(MqttClientDisconnectedEventArgs args)
    {
        var said = string.IsNullOrEmpty(args.ReasonString) ? "" : $" ({LinkOpening.Clip(args.ReasonString)})";
        Cut(args.Exception is { } problem ? problem.Message : $"{args.Reason}{said}");
        return Task.CompletedTask;
    }

    private BrokerRefusedException Refused(in OutboundMessage message, MqttPubAckPacket answer)
    {
        var said = string.IsNullOrEmpty(answer.ReasonString) ? "" : $" ({LinkOpening.Clip(answer.ReasonString)})";
        return new BrokerRefusedException($"The broker at {endpoint.Description} refused a message of {message.Payload.Length} bytes to '{message.Topic}': {answer.ReasonCode}{said}.");
    }

    private BrokerConnectionLostException Down(string consequence, Exception? inner = null) => new(
        $"The connection '{profile.ClientId}' to {endpoint.Description} is down{(whyDown is null ? "" : $" ({whyDown})")}: {consequence}.", inner);
}

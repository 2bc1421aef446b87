using System.Security.Cryptography;
using MantaLight.Messaging;
using MantaLight.Mqtt.Connections;

namespace MantaLight.Mqtt;

/// <summary>
/// Measures a broker on throw-away client ids and topics: how long things take, and whether it waits with a will. What a
/// broker must be able to do is found out by <see cref="MqttBroker.ConnectAsync"/>, which comes first.
/// </summary>
public sealed class BrokerExamination
{
    private const int RoundTrips = 15;

    /// <summary>How long the broker is asked to wait with a will.</summary>
    public static readonly TimeSpan WillDelay = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(6);
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    private readonly string token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));
    private readonly TrafficCounter traffic = new();
    private readonly MqttEndpoint endpoint;
    private readonly MqttBrokerOptions options;
    private readonly TimeProvider time;

    /// <summary>An examination of which nothing has been done yet.</summary>
    /// <exception cref="InvalidSettingException">The address or another option is not valid.</exception>
    public BrokerExamination(MqttBrokerOptions options, TimeProvider time)
    {
        (this.options, this.time) = (options, time);
        endpoint = new MqttEndpoint(options);
    }

    private string Topic => $"{options.SelfTestTopic}/{token}";

    /// <summary>How long a connection takes, its greetings included.</summary>
    /// <exception cref="MantaLightException">It cannot be opened.</exception>
    public async Task<TimeSpan> ConnectAsync(CancellationToken cancellationToken)
    {
        var began = time.GetTimestamp();
        await using var link = await OpenAsync("connect", null, _ => { }, cancellationToken);
        var took = time.GetElapsedTime(began);
        await link.CloseAsync();
        return took;
    }

    /// <summary>How long a second connection with a client id takes to end the first; null where it does not.</summary>
    /// <exception cref="MantaLightException">They cannot be opened.</exception>
    public async Task<TimeSpan?> TakeOverAsync(CancellationToken cancellationToken)
    {
        await using var older = await OpenAsync("takeover", null, _ => { }, cancellationToken);
        var began = time.GetTimestamp();
        await using var newer = await OpenAsync("takeover", null, _ => { }, cancellationToken);
        var isCut = await ComesAsync(older.Lost, Patience, cancellationToken);
        var took = time.GetElapsedTime(began);
        await newer.CloseAsync();
        return isCut ? took : null;
    }

    /// <summary>The median and the longest time of a message's way to the broker and back.</summary>
    /// <exception cref="MantaLightException">A message was refused or did not come back.</exception>
    public async Task<(TimeSpan Median, TimeSpan Longest)> RoundTripAsync(CancellationToken cancellationToken)
    {
        var arrived = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var link = await OpenAsync("echo", null, _ => Volatile.Read(ref arrived).TrySetResult(), cancellationToken);
        await link.SubscribeAsync([$"{Topic}/echo"]);
        var times = new List<TimeSpan>();
        for (var i = 0; i < RoundTrips; i++)
        {
            var next = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            Volatile.Write(ref arrived, next);
            var began = time.GetTimestamp();
            await link.PublishAsync(new OutboundMessage($"{Topic}/echo", "echo"u8.ToArray()), cancellationToken);
            if (!await ComesAsync(next.Task, Patience, cancellationToken))
                throw new BrokerRefusedException($"The broker at {endpoint.Description} took a message to '{Topic}/echo', but did not deliver it to its own subscriber. Check its access rules.");
            times.Add(time.GetElapsedTime(began));
        }
        await link.CloseAsync();
        times.Sort();
        return (times[times.Count / 2], times[^1]);
    }

    /// <summary>How long after the death of a connection its will comes; null where it does not come.</summary>
    /// <exception cref="MantaLightException">The connections cannot be opened.</exception>
    public async Task<TimeSpan?> WillAsync(CancellationToken cancellationToken)
    {
        var arrived = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var heir = await OpenAsync("heir", null, _ => arrived.TrySetResult(), cancellationToken);
        await heir.SubscribeAsync([$"{Topic}/will"]);
        var will = new BrokerWill($"{Topic}/will", "gone"u8.ToArray(), Retain: false, WillDelay);
        await using var dying = await OpenAsync("dying", will, _ => { }, cancellationToken);
        var began = time.GetTimestamp();
        dying.Cut("dies for the examination");
        var came = await ComesAsync(arrived.Task, WillDelay + Patience, cancellationToken);
        var took = time.GetElapsedTime(began);
        await heir.CloseAsync();
        return came ? took : null;
    }

    private async Task<MqttLink> OpenAsync(string role, BrokerWill? will, Action<BrokerMessage> receive, CancellationToken cancellationToken)
    {
        var profile = new ConnectionProfile { ClientId = $"mantalight-{role}-{token}", Will = will, Timeout = Timeout, Reconnect = false };
        try
        {
            return await MqttLink.OpenAsync(endpoint, profile, receive, traffic, time, cancellationToken);
        }
        catch (Exception e) when (e is ConnectRefusedException or NoMqtt5AnswerException)
        {
            throw new BrokerRefusedException(e.Message, e);
        }
    }

    private async Task<bool> ComesAsync(Task expected, TimeSpan patience, CancellationToken cancellationToken)
    {
        try
        {
            await expected.WaitAsync(patience, time, cancellationToken);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }
}

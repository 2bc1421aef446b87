using System.Security.Cryptography;
using MantaLight.Messaging;
using MantaLight.Mqtt.Connections;
using Microsoft.Extensions.Logging;

namespace MantaLight.Mqtt;

/// <summary>What the self-test found out about a broker that can serve.</summary>
internal sealed record SelfTestFindings(bool ReplaysByWildcard);

/// <summary>
/// Proves on throw-away client ids and topics what a broker's word is not enough for: that it keeps retained messages
/// and replays them, and that a second connection with a client id ends the first one.
/// </summary>
internal sealed class BrokerSelfTest(MqttBrokerOptions options, MqttEndpoint endpoint, TimeProvider time, ILogger logger)
{
    private const int Chunks = 2;

    private readonly string token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));
    private readonly TrafficCounter traffic = new();

    private string Topic => $"{options.SelfTestTopic}/{token}";

    /// <exception cref="BrokerRefusedException">The broker cannot serve the protocol.</exception>
    public async Task<SelfTestFindings> RunAsync(TimeSpan timeout, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        var profile = new ConnectionProfile { ClientId = $"mantalight-selftest-{token}", Timeout = timeout, Reconnect = false };

        var first = new ReplayWatch();
        var second = new ReplayWatch();
        await using var older = await OpenAsync(profile, first, cancellationToken);
        var latest = older;
        try
        {
            await PublishAsync(older);
            await older.SubscribeAsync([Topic + "/+"]);
            var byWildcard = await ArrivesAsync(first.Everything, cancellationToken);

            latest = await OpenAsync(profile, second, cancellationToken);
            var isCut = await ArrivesAsync(older.Lost, cancellationToken);
            await latest.SubscribeAsync([Topic + "/0"]);
            if (!await ArrivesAsync(second.First, cancellationToken))
                throw NothingRetained();
            if (!isCut)
                throw TwoOfOneId(profile.ClientId);

            if (!byWildcard)
                Log.NoReplayByWildcard(logger, endpoint.Description);
            Log.SelfTestPassed(logger, endpoint.Description, time.GetElapsedTime(started).TotalMilliseconds, latest.Limits.MaximumPacketSize, latest.Limits.Window, byWildcard);
            return new SelfTestFindings(byWildcard);
        }
        finally
        {
            await CleanUpAsync(latest);
            await latest.DisposeAsync();
        }
    }

    private BrokerRefusedException NothingRetained() => new(
        $"The broker at {endpoint.Description} does not keep retained messages, which MantaLight needs: one published to '{Topic}/0' was not replayed to a later subscriber. Enable retained messages, or allow its topics below '{options.SelfTestTopic}'.");

    private BrokerRefusedException TwoOfOneId(string clientId) => new(
        $"The broker at {endpoint.Description} lets two connections have one client id ('{clientId}'), which MantaLight's election of coordinators cannot do with. Set it up to close the older connection, as MQTT has it.");

    private Task<MqttLink> OpenAsync(ConnectionProfile profile, ReplayWatch watch, CancellationToken cancellationToken) =>
        MqttLink.OpenAsync(endpoint, profile, watch.Receive, traffic, time, cancellationToken);

    private async Task PublishAsync(MqttLink link)
    {
        try
        {
            await Task.WhenAll(Enumerable.Range(0, Chunks).Select(i => link.PublishAsync(Chunk(i, token), CancellationToken.None).AsTask()));
        }
        catch (BrokerRefusedException refusal)
        {
            throw new BrokerRefusedException($"{refusal.Message} It is the start-up test's: allow retained messages below '{options.SelfTestTopic}' or set SelfTestTopic to a topic that is allowed.", refusal);
        }
        catch (BrokerConnectionLostException loss)
        {
            throw new BrokerRefusedException($"The broker at {endpoint.Description} cut the connection at the start-up test's retained message to '{Topic}/0'; it may forbid it. {loss.Message}", loss);
        }
    }

    private async Task CleanUpAsync(MqttLink link)
    {
        try
        {
            await Task.WhenAll(Enumerable.Range(0, Chunks).Select(i => link.PublishAsync(Chunk(i, ""), CancellationToken.None).AsTask()));
        }
        catch (MantaLightException problem)
        {
            Log.SelfTestLeftovers(logger, Topic, endpoint.Description, problem.Message);
        }

        await link.CloseAsync();
    }

    private OutboundMessage Chunk(int index, string text) => new($"{Topic}/{index}", System.Text.Encoding.UTF8.GetBytes(text), retain: true);

    private async Task<bool> ArrivesAsync(Task expected, CancellationToken cancellationToken)
    {
        try
        {
            await expected.WaitAsync(options.SelfTestPatience, time, cancellationToken);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    /// <summary>Notes which of the chunks a broker replays.</summary>
    private sealed class ReplayWatch
    {
        private readonly HashSet<string> seen = [];
        private readonly TaskCompletionSource first = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource everything = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task First => first.Task;

        public Task Everything => everything.Task;

        public void Receive(BrokerMessage message)
        {
            if (!message.Retained || message.Payload.IsEmpty)
                return;
            first.TrySetResult();
            if (seen.Add(message.Topic) && seen.Count == Chunks)
                everything.TrySetResult();
        }
    }
}

using System.Globalization;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using MantaLight.Cli.Watching;
using MantaLight.Messaging;
using MantaLight.Mqtt;

namespace MantaLight.Cli.Doctor;

/// <summary>Whether the broker can serve the protocol, and how fast it is.</summary>
internal sealed class BrokerCheck(DoctorSettings settings, TimeProvider time)
{
    private const string Area = "broker";

    private static readonly TimeSpan SlowRoundTrip = TimeSpan.FromMilliseconds(250);

    public async IAsyncEnumerable<Finding> RunAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var options = settings.Broker;
        var broker = new MqttBroker(options, time: time);
        IBrokerConnection? connection = null;
        Finding? refusal = null;
        try
        {
            connection = await broker.ConnectAsync(new ConnectionProfile { ClientId = $"{settings.Cluster}.doctor-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(6))}", Reconnect = false }, cancellationToken);
        }
        catch (MantaLightException e)
        {
            refusal = Finding.Problem(Area, e is BrokerUnreachableException ? "reachable" : "accepted", e.Message, Remedies.Of(e));
        }
        if (refusal is not null)
        {
            yield return refusal;
            yield break;
        }
        await using var open = connection!;
        var limits = open.Limits;
        yield return Finding.Ok(Area, "accepted", $"{broker.Description} speaks MQTT 5, {((options.UserName ?? options.Uri.UserInfo).Length > 0 ? "accepts these credentials" : "asks for no credentials")}, keeps retained messages, and closes the older of two connections with one id");
        yield return limits.ReplaysRetainedByWildcard
            ? Finding.Ok(Area, "wildcards", "retained messages are replayed to wildcard subscriptions")
            : Finding.Warning(Area, "wildcards", "retained messages are not replayed to wildcard subscriptions", "Everything works, but chunks are fetched one by one; another broker is faster.");
        yield return Limits(limits);
        yield return await MeasureAsync("chunk", () => new ChunkTrial(broker, settings.Cluster, time).RunAsync(cancellationToken));

        var examination = new BrokerExamination(options, time);
        yield return await MeasureAsync("connect", async () => Finding.Ok(Area, "connect", $"a connection takes {Milliseconds(await examination.ConnectAsync(cancellationToken))}"));
        yield return await MeasureAsync("takeover", async () => await examination.TakeOverAsync(cancellationToken) is { } took
            ? Finding.Ok(Area, "takeover", $"a second connection with an id ends the first after {Milliseconds(took)}")
            : Finding.Problem(Area, "takeover", "a second connection with an id does not end the first", "Set the broker up to close the older connection, as MQTT has it."));
        yield return await MeasureAsync("round trip", async () => RoundTrip(await examination.RoundTripAsync(cancellationToken)));
        yield return await MeasureAsync("will", async () => Will(await examination.WillAsync(cancellationToken)));
    }

    private static Finding Limits(BrokerLimits limits)
    {
        var text = string.Create(CultureInfo.InvariantCulture, $"packets of up to {Texts.Bytes(limits.MaximumPacketSize)}, {limits.ReceiveMaximum} unacknowledged; so chunks have {limits.ChunkSize / 1024} KiB, {limits.Window} under way");
        return limits.ChunkSize < BrokerLimits.PreferredChunkSize || limits.Window < BrokerLimits.MaximumWindow / 2
            ? Finding.Warning(Area, "limits", text, "It works, and slower than it could: allow packets of 1 MiB and 16 unacknowledged messages, where the broker can (broker/README.md).")
            : Finding.Ok(Area, "limits", text);
    }

    private static Finding RoundTrip((TimeSpan Median, TimeSpan Longest) took)
    {
        var text = $"a message takes {Milliseconds(took.Median)} there and back (median; longest {Milliseconds(took.Longest)})";
        return took.Median < SlowRoundTrip
            ? Finding.Ok(Area, "round trip", text)
            : Finding.Warning(Area, "round trip", text, "Rounds have some dozen messages one after the other: take a broker that is nearer, or fewer and longer rounds.");
    }

    private static Finding Will(TimeSpan? took) => took switch
    {
        null => Finding.Warning(Area, "will", "the will of a connection that died did not come", "Nodes that die are noticed by missing beats only, which takes longer. Check the broker's access rules for wills."),
        { } late when late < BrokerExamination.WillDelay / 2 => Finding.Ok(Area, "will", $"the will of a connection that died came after {Milliseconds(late)}: the broker does not wait the {BrokerExamination.WillDelay.TotalSeconds:0} s that it was asked to, so nodes wait themselves"),
        { } late => Finding.Ok(Area, "will", $"the will of a connection that died came after {Milliseconds(late)}, with the delay that was asked for"),
    };

    private static async Task<Finding> MeasureAsync(string check, Func<Task<Finding>> measure)
    {
        try
        {
            return await measure();
        }
        catch (MantaLightException e)
        {
            return Finding.Problem(Area, check, e.Message, Remedies.Of(e));
        }
    }

    private static string Milliseconds(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalMilliseconds:0.0} ms");
}

using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using MantaLight.Messaging;
using MantaLight.Protocol;

namespace MantaLight.Cli.Doctor;

/// <summary>
/// One message as nodes publish the chunks of globals: of full size, retained, below the cluster. It is read back and
/// cleared, whatever happens: where this process is killed, by its will.
/// </summary>
internal sealed class ChunkTrial(IBroker broker, string cluster, TimeProvider time)
{
    private const string Area = "broker";
    private const string Check = "chunk";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(0.4);

    private readonly Topics topics = new(cluster);
    private readonly string swarm = $"doctor-{Random(8)}";
    private readonly string hash = Random(32);
    private bool mayStand;

    private string Topic => topics.SwarmBlob(swarm, hash, 0);

    private string Remedy => $"Allow this user to write and read below '{topics.Prefix}', with retained messages of that size; or have nodes send less: MaximumPacketSize below Mqtt in appsettings.json, or MANTALIGHT_MQTT__MAXIMUMPACKETSIZE.";

    /// <exception cref="MantaLightException">No connection can be opened.</exception>
    public async Task<Finding> RunAsync(CancellationToken cancellationToken)
    {
        await using var connection = await OpenAsync(cancellationToken);
        Finding found;
        var isCleared = false;
        try
        {
            found = await TryAsync(connection, cancellationToken);
        }
        finally
        {
            isCleared = await CleanUpAsync(connection);
        }
        return isCleared ? found : found with
        {
            Verdict = found.Verdict == Verdict.Ok ? Verdict.Warning : found.Verdict,
            Found = $"{found.Found}; it could not be removed again",
            Remedy = $"{found.Remedy} Remove it: mosquitto_pub -r -n -t {Topic}".TrimStart(),
        };
    }

    private Task<IBrokerConnection> OpenAsync(CancellationToken cancellationToken) => broker.ConnectAsync(new ConnectionProfile
    {
        ClientId = $"{cluster}.{swarm}", Reconnect = false, Will = new BrokerWill(Topic, ReadOnlyMemory<byte>.Empty, Retain: true, TimeSpan.Zero),
    }, cancellationToken);

    private async Task<Finding> TryAsync(IBrokerConnection connection, CancellationToken cancellationToken)
    {
        var chunk = RandomNumberGenerator.GetBytes(connection.Limits.ChunkSize);
        var size = string.Create(CultureInfo.InvariantCulture, $"{chunk.Length / 1024} KiB");
        try
        {
            var began = time.GetTimestamp();
            mayStand = true;
            await connection.PublishAsync(new OutboundMessage(Topic, chunk, retain: true), cancellationToken);
            var read = await ReadAsync(connection, Patience, cancellationToken);
            var took = time.GetElapsedTime(began);
            if (read is null)
                return Finding.Problem(Area, Check, $"a chunk of {size} was taken at '{Topic}', but is not read back", Remedy);
            return read.AsSpan().SequenceEqual(chunk)
                ? Finding.Ok(Area, Check, string.Create(CultureInfo.InvariantCulture, $"a chunk of {size} is stored below '{topics.Prefix}' and read back after {took.TotalMilliseconds:0.0} ms"))
                : Finding.Problem(Area, Check, $"a chunk of {size} at '{Topic}' is read back as something else", "Something on the way to the broker changes messages: take it out.");
        }
        catch (BrokerRefusedException e)
        {
            mayStand = false;
            return Finding.Problem(Area, Check, e.Message, Remedy);
        }
        catch (BrokerConnectionLostException e)
        {
            return Finding.Problem(Area, Check, $"the connection was lost over a chunk of {size} at '{Topic}': {e.Message}", Remedy);
        }
    }

    /// <summary>What is retained; null where nothing comes.</summary>
    private async Task<byte[]?> ReadAsync(IBrokerConnection connection, TimeSpan patience, CancellationToken cancellationToken)
    {
        var arrived = new TaskCompletionSource<byte[]>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var subscription = await connection.SubscribeAsync(Topic, message =>
        {
            if (!message.Payload.IsEmpty)
                arrived.TrySetResult(message.Payload.ToArray());
        }, cancellationToken);
        try
        {
            return await arrived.Task.WaitAsync(patience, time, cancellationToken);
        }
        catch (TimeoutException)
        {
            return null;
        }
    }

    /// <summary>Not with the caller's token: what stands on the broker is cleared also where nobody waits for the answer.</summary>
    private async Task<bool> CleanUpAsync(IBrokerConnection connection)
    {
        if (!mayStand)
            return true;
        using var patience = new CancellationTokenSource(Patience, time);
        try
        {
            if (connection.IsConnected)
                return await ClearAsync(connection, patience.Token);
            await using var another = await OpenAsync(patience.Token);
            return await ClearAsync(another, patience.Token);
        }
        catch (Exception e) when (e is MantaLightException or OperationCanceledException)
        {
            return false;
        }
    }

    private async Task<bool> ClearAsync(IBrokerConnection connection, CancellationToken cancellationToken)
    {
        await connection.PublishAsync(new OutboundMessage(Topic, ReadOnlyMemory<byte>.Empty, retain: true), cancellationToken);
        return await ReadAsync(connection, Silence, cancellationToken) is null;
    }

    private static string Random(int bytes) => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(bytes));
}

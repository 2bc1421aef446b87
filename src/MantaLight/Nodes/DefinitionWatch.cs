using System.Buffers;
using MantaLight.Concurrency;
using MantaLight.Messaging;

namespace MantaLight.Nodes;

/// <summary>
/// Listens to a definition's topic from before the definition is looked for until it has been put back: what the owner
/// says in between must not be overwritten by what a node remembers.
/// </summary>
internal sealed class DefinitionWatch : IAsyncDisposable
{
    private static readonly TimeSpan EchoPatience = TimeSpan.FromSeconds(2);

    private readonly Lock gate = new();
    private readonly Awaited<byte[]> first = new();
    private readonly IBrokerConnection connection;
    private readonly string topic;
    private readonly TimeProvider time;
    private IAsyncDisposable? subscription;
    private Awaited<byte[]>? echo;
    private byte[]? published;
    private byte[]? owners;

    private DefinitionWatch(IBrokerConnection connection, string topic, TimeProvider time) =>
        (this.connection, this.topic, this.time) = (connection, topic, time);

    public static async Task<DefinitionWatch> OpenAsync(IBrokerConnection connection, string topic, TimeProvider time, CancellationToken cancellationToken)
    {
        var watch = new DefinitionWatch(connection, topic, time);
        watch.subscription = await connection.SubscribeAsync(topic, message => watch.Hear(message.Payload.ToArray()), cancellationToken);
        return watch;
    }

    /// <summary>The definition that the broker has; null where none comes.</summary>
    public async Task<byte[]?> FirstAsync(TimeSpan patience, CancellationToken cancellationToken) =>
        await first.WaitAsync(patience, time, cancellationToken) is { Length: > 0 } found ? found : null;

    /// <summary>Puts a definition back. Where the owner has said something meanwhile, that stands, and is the result; it is empty for a removal.</summary>
    public async Task<byte[]?> RestoreAsync(ReadOnlyMemory<byte> definition, CancellationToken cancellationToken)
    {
        lock (gate)
        {
            if (owners is not null)
                return owners;
            (published, echo) = (definition.ToArray(), new Awaited<byte[]>());
        }
        await PublishAsync(definition, cancellationToken);
        await echo.WaitAsync(EchoPatience, time, cancellationToken);
        byte[]? overwritten;
        lock (gate)
            overwritten = owners;
        if (overwritten is not null)
            await PublishAsync(overwritten, cancellationToken);
        return overwritten;
    }

    public ValueTask DisposeAsync() => subscription?.DisposeAsync() ?? ValueTask.CompletedTask;

    private ValueTask PublishAsync(ReadOnlyMemory<byte> definition, CancellationToken cancellationToken) =>
        connection.PublishAsync(new OutboundMessage(topic, definition, retain: true), cancellationToken);

    private void Hear(byte[] payload)
    {
        first.TrySet(payload);
        lock (gate)
        {
            if (published is not null && payload.AsSpan().SequenceEqual(published))
                echo!.TrySet(payload);
            else
                owners = payload;
        }
    }
}

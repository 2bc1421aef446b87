using System.Threading.Channels;
using MantaLight.Messaging;

namespace MantaLight.Shared;

/// <summary>Collects the changes of a connection's status, for a test to wait for.</summary>
internal sealed class StatusLog
{
    private readonly Channel<ConnectionStatus> changes = Channel.CreateUnbounded<ConnectionStatus>();

    public StatusLog(IBrokerConnection connection) => connection.Watch(status => changes.Writer.TryWrite(status));

    public async Task<ConnectionStatus> NextAsync() => await changes.Reader.ReadAsync().AsTask().WaitAsync(Inbox.Patience);

    public bool IsEmpty => !changes.Reader.TryPeek(out _);
}

using System.Collections.Immutable;
using MantaLight.Messaging;
using Microsoft.Extensions.Logging;

namespace MantaLight.Mqtt.Connections;

/// <summary>Tells the observers of a connection each change of its status, one after the other; nothing follows Closed.</summary>
internal sealed class StatusBoard(ILogger logger)
{
    private readonly Lock gate = new();
    private ImmutableArray<Action<ConnectionStatus>> observers = [];

    public ConnectionStatus Status { get; private set; } = ConnectionStatus.Connected;

    public IDisposable Watch(Action<ConnectionStatus> observer)
    {
        // A wrapper of its own, so that one delegate can watch twice.
        Action<ConnectionStatus> own = status => observer(status);
        lock (gate)
            observers = observers.Add(own);
        return new Registration(this, own);
    }

    public void Announce(ConnectionStatus status)
    {
        lock (gate)
        {
            if (Status == status || Status == ConnectionStatus.Closed)
                return;
            Status = status;
            foreach (var observer in observers)
            {
                try
                {
                    observer(status);
                }
                catch (Exception problem)
                {
                    Log.ObserverThrew(logger, status, problem);
                }
            }
        }
    }

    private sealed class Registration(StatusBoard board, Action<ConnectionStatus> observer) : IDisposable
    {
        public void Dispose()
        {
            lock (board.gate)
                board.observers = board.observers.Remove(observer);
        }
    }
}

using MantaLight.Messaging;

namespace MantaLight.Simulation;

/// <summary>Who is told, in turn with a connection's messages, whether it is there.</summary>
internal sealed class Observers(ReceiveLoop received)
{
    private readonly List<Action<ConnectionStatus>> observers = [];

    public IDisposable Watch(Action<ConnectionStatus> observer)
    {
        observers.Add(observer);
        return new Registration(() => observers.Remove(observer));
    }

    public void Announce(ConnectionStatus status) => received.Add(() =>
    {
        foreach (var observer in observers.ToArray())
            observer(status);
    });

    /// <summary>Tells each of those who are there now, one after the other, that the connection was closed.</summary>
    public void Close() => observers.ForEach(observer => received.Add(() => observer(ConnectionStatus.Closed)));

    private sealed class Registration(Action remove) : IDisposable
    {
        public void Dispose() => remove();
    }
}

using MantaLight.Messaging;

namespace MantaLight.Simulation;

/// <summary>A broker whose connections are bent in some way.</summary>
internal sealed class BentBroker(
    IBroker inner, Func<IBrokerConnection, ConnectionProfile, IBrokerConnection> bend, Func<ConnectionProfile, ConnectionProfile>? introduce = null) : IBroker
{
    public string Description => inner.Description;

    public async Task<IBrokerConnection> ConnectAsync(ConnectionProfile profile, CancellationToken cancellationToken) =>
        bend(await inner.ConnectAsync(introduce?.Invoke(profile) ?? profile, cancellationToken), profile);
}

using MantaLight.Messaging;

namespace MantaLight.Simulation;

/// <summary>A client's knock at the broker's door: it is let in, refused, or not answered in time.</summary>
internal static class LinkOpening
{
    /// <param name="broker">The broker.</param>
    /// <param name="network">The client's way to it.</param>
    /// <param name="profile">Who knocks.</param>
    /// <param name="received">Called for each message, once it is in.</param>
    /// <param name="lost">Called when it is out again.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static async Task<Link> OpenAsync(
        FaultyBroker broker, Network network, ConnectionProfile profile, Action<BrokerMessage> received, Action<Link, string> lost, CancellationToken cancellationToken)
    {
        var process = network.Process;
        process.CheckAlive();
        var accepted = new TaskCompletionSource();
        var opening = new Link(broker, network, profile) { Lost = reason => accepted.TrySetException(new BrokerUnreachableException(reason)) };
        opening.Begin();
        opening.SendUp("", 64, () =>
        {
            if (broker.TryEnter(opening))
                opening.SendDown("", () => accepted.TrySetResult());
            else
                opening.SendDown("", () => accepted.TrySetException(new BrokerUnreachableException("Nobody answers: the broker is down.")));
            // Given up meanwhile: the goodbye-less end follows at once.
            if (!opening.IsUp)
                opening.Break();
        });
        try
        {
            await accepted.Task.WaitAsync(profile.Timeout, process.Clock, cancellationToken);
        }
        catch (Exception e)
        {
            opening.Break();
            if (e is TimeoutException)
                throw new BrokerUnreachableException($"Nobody answers within {profile.Timeout}.");
            throw;
        }
        if (!opening.IsUp)
        {
            opening.Break();
            throw new BrokerUnreachableException("The broker closed the connection at once.");
        }
        opening.Received = received;
        opening.Lost = reason => lost(opening, reason);
        return opening;
    }
}

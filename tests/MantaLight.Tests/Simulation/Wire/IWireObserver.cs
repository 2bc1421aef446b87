using MantaLight.Messaging;

namespace MantaLight.Simulation;

/// <summary>Sees everything that takes effect at the broker, in that order.</summary>
internal interface IWireObserver
{
    /// <param name="client">Who published it; empty for a will.</param>
    /// <param name="topic">Its topic.</param>
    /// <param name="payload">Its bytes.</param>
    /// <param name="retain">Whether it is kept.</param>
    /// <param name="late">Whether the connection that it came over had been taken over before.</param>
    void Published(string client, string topic, byte[] payload, bool retain, bool late);

    /// <summary>Called before what the broker retained is lost.</summary>
    void RetainedLost();

    /// <summary>A message is for a client for whom others wait already.</summary>
    /// <param name="client">Who subscribed to it.</param>
    /// <param name="topic">Its topic.</param>
    /// <param name="before">How many wait, those under way included.</param>
    /// <param name="isDropped">Whether they are too many for it.</param>
    void Waits(string client, string topic, int before, bool isDropped)
    {
    }
}

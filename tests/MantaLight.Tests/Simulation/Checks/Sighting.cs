using MantaLight.Protocol;

namespace MantaLight.Simulation;

/// <summary>A message at the moment at which it takes effect at the broker.</summary>
/// <param name="Client">Whose connection it came over; empty for a will.</param>
/// <param name="Levels">The topic's levels behind the cluster's prefix.</param>
/// <param name="Payload">Its bytes.</param>
/// <param name="IsRetained">Whether the broker has kept it.</param>
/// <param name="IsLate">Whether the connection that it came over had been taken over before.</param>
/// <param name="Message">What it says; null for chunks and removals.</param>
internal sealed record Sighting(string Client, string[] Levels, byte[] Payload, bool IsRetained, bool IsLate, ControlMessage? Message)
{
    /// <summary>The swarm whose topic it is; empty for a node's.</summary>
    public string Swarm => Levels is ["swarms", var swarm, ..] ? swarm : "";
}

/// <summary>Something that must hold in every history.</summary>
internal interface ICheck
{
    void Seen(Sighting sighting);

    /// <summary>The broker has lost all that it retained: from here on it may be told older things again.</summary>
    void RetainedLost();
}

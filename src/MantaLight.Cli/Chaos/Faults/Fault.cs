using MantaLight.Cli.Chaos.Plan;

namespace MantaLight.Cli.Chaos.Faults;

/// <summary>What came of a fault.</summary>
/// <param name="Target">Who was struck; null for the broker or everybody.</param>
/// <param name="Seconds">How long until its recovery was proven; null where the run had completed before.</param>
/// <param name="Note">What else is worth telling.</param>
/// <param name="Idle">Whether it met nothing that was under way, as a connection over which no chunk went.</param>
internal sealed record FaultOutcome(string? Target, double? Seconds, string? Note = null, bool Idle = false);

/// <summary>Something that happens to a swarm, and how it is seen that the swarm has got over it.</summary>
internal abstract class Fault(string name, int weight, FaultRole role, bool atWork = false, bool kills = false)
{
    /// <summary>What a plan needs to know of it.</summary>
    public FaultKind Kind { get; } = new(name, weight, role, atWork, kills);

    /// <summary>Happens; ends when its recovery is proven and everybody is there again.</summary>
    /// <exception cref="ChaosException">It does not recover.</exception>
    public abstract Task<FaultOutcome> InflictAsync(FaultScene scene);
}

using MantaLight.Tasks;

namespace MantaLight.Examples.EmbeddedNode;

/// <summary>Combines the nodes' means into the global <c>mean</c> and ends the swarm.</summary>
public sealed class Combine : SwarmTask
{
    public override async Task RunAsync(CancellationToken cancellationToken)
    {
        var parts = await World.Results.SelectAsync<Measurement>("measurement", cancellationToken);
        var samples = parts.Values.Sum(p => p.Samples);
        World.Globals.Set("mean", new Measurement(parts.Values.Sum(p => p.Mean * p.Samples) / samples, samples));
        World.StopSwarm($"the mean of {samples} numbers on {parts.Count} nodes is known");
    }
}

using MantaLight.Protocol;
using MantaLight.Tasks;
using MantaLight.Weights;

namespace MantaLight.Nodes;

/// <summary>An attempt's part of what its node keeps.</summary>
/// <param name="swarm">The swarm.</param>
/// <param name="schedule">The attempt.</param>
/// <param name="before">The tasks that its own waits for.</param>
/// <param name="files">What the node keeps.</param>
/// <param name="checkOpen">Throws when the attempt is over.</param>
internal sealed class NodeStateStore(string swarm, ScheduleAttempt schedule, IReadOnlySet<string> before, KeptFiles files, Action checkOpen) : IStateStore
{
    public Task<NamedArrays?> ReadAsync(string name, CancellationToken cancellationToken)
    {
        KeptNames.Require(name);
        return files.ReadAsync(swarm, schedule, name, before, cancellationToken);
    }

    public void Write(string name, NamedArrays value)
    {
        KeptNames.Require(name);
        checkOpen();
        files.Write(swarm, schedule, name, value);
    }
}

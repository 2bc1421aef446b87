using System.Buffers;
using System.CommandLine;
using MantaLight.Messaging;
using MantaLight.Protocol;
using MantaLight.Swarms;

namespace MantaLight.Cli.Commands;

/// <summary><c>mantalight swarm remove</c>: a swarm and its traces on the broker.</summary>
internal static class SwarmRemoveCommand
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    // Half of what a coordinator clears at its own pace.
    private const double ClearedPerSecond = 100;

    // There may be nobody who clears it any more.
    private const double MostSeconds = 300;

    /// <summary>The command.</summary>
    public static Command Create(CliConsole console)
    {
        var id = BrokerFlags.SwarmId();
        return SwarmCommand.OnBroker("remove", "Remove a swarm, its globals included, from the broker. A short state stays, so that no node that was away takes it up again.", [id], async (parsed, client, cancellationToken) =>
        {
            var swarm = parsed.GetValue(id)!;
            var state = await client.StateAsync(swarm, cancellationToken);
            var definition = await client.DefinitionAsync(swarm, cancellationToken);
            if (definition is null && state is { Status: RunStatus.Removed })
                throw new InvalidSettingException($"Swarm '{swarm}' has been removed already. Its state stays, so that no node that was away takes it up again.");
            if (definition is null && state is null)
                throw new InvalidSettingException($"There is no swarm '{swarm}' in cluster '{client.Topics.Cluster}' on {client.Broker}. See `mantalight swarm list`.");
            await client.DefineAsync(swarm, ReadOnlyMemory<byte>.Empty, cancellationToken);
            // What a checkpoint had put there for it: whoever has not begun does not know of it.
            if (definition is { } known && StartOf(known) is { } start)
                await client.ClearStartAsync(swarm, start, cancellationToken);
            if (state is null)
            {
                console.Out.WriteLine($"Removed: {swarm}; no node had started it.");
                return ExitCodes.Success;
            }
            void Tell(SwarmState? last) => SwarmCommand.TellWait(console, swarm, last);
            var patience = Patience;
            var seen = await client.WaitForStateAsync(swarm, s => s.Status.IsRemoval(), patience, cancellationToken, Tell);
            if (seen is { Status: RunStatus.Removing })
            {
                patience += TimeSpan.FromSeconds(Math.Min(seen.Retiring.Sum(b => (double)b.ChunkCount) / ClearedPerSecond, MostSeconds));
                seen = await client.WaitForStateAsync(swarm, s => s.Status == RunStatus.Removed, patience, cancellationToken, Tell);
            }
            if (seen is null)
            {
                console.WriteError($"The definition of '{swarm}' is gone, but no node has cleared its globals and state within {patience.TotalSeconds:F0} s. Start a node of cluster '{client.Topics.Cluster}' (mantalight node …) and remove it again.");
                return ExitCodes.Environment;
            }
            console.Out.WriteLine($"Removed: {swarm}");
            return ExitCodes.Success;
        }).WithExamples("mantalight swarm remove mnist");
    }

    private static StartDefinition? StartOf(BrokerMessage definition)
    {
        try
        {
            return SwarmJson.Parse(definition.Payload.ToArray()).Start;
        }
        catch (InvalidSwarmException)
        {
            return null;
        }
    }
}

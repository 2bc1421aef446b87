using System.CommandLine;
using MantaLight.Cli.Swarms;
using MantaLight.Protocol;

namespace MantaLight.Cli.Commands;

/// <summary><c>mantalight swarm list</c>.</summary>
internal static class SwarmListCommand
{
    /// <summary>The command.</summary>
    public static Command Create(CliConsole console) => SwarmCommand.OnBroker("list", "List the swarms of a cluster.", [], async (_, client, cancellationToken) =>
    {
        var states = await client.ReadRetainedAsync<SwarmState>(client.Topics.State("+"), cancellationToken);
        var definitions = await client.ReadRetainedAsync(client.Topics.AllDefinitions, cancellationToken);
        ClusterTables.WriteSwarms(console, SwarmRow.Of(client.Topics, states, definitions), TimeProvider.System.GetUtcNow());
        return ExitCodes.Success;
    }).WithExamples("mantalight swarm list --broker mqtt://broker.example");
}

using System.CommandLine;
using MantaLight.Cli.Swarms;
using MantaLight.Protocol;

namespace MantaLight.Cli.Commands;

/// <summary><c>mantalight swarm list</c>.</summary>
internal static class SwarmListCommand
{
    /// <summary>The command.</summary>
    public static Command Create(CliConsole console)
    {
        var all = new Option<bool>("--all") { Description = "Lists removed swarms as well, of which only the tombstone is left." };
        return SwarmCommand.OnBroker("list", "List the swarms of a cluster.", [all], async (parsed, client, cancellationToken) =>
        {
            var states = await client.ReadRetainedAsync<SwarmState>(client.Topics.State("+"), cancellationToken);
            var definitions = await client.ReadRetainedAsync(client.Topics.AllDefinitions, cancellationToken);
            var swarms = SwarmRow.Of(client.Topics, states, definitions).Where(s => parsed.GetValue(all) || !s.IsRemoved);
            ClusterTables.WriteSwarms(console, swarms, TimeProvider.System.GetUtcNow());
            return ExitCodes.Success;
        }).WithExamples("mantalight swarm list --broker mqtt://broker.example", "mantalight swarm list --all");
    }
}

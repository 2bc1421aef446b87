using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using MantaLight.Cli.Swarms;
using MantaLight.Protocol;

namespace MantaLight.Cli.Commands;

/// <summary><c>mantalight status</c>: who is there and what runs.</summary>
internal static class StatusCommand
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <summary>The command.</summary>
    public static Command Create(CliConsole console)
    {
        var json = new Option<bool>("--json") { Description = "Writes presence and states as they stand on the broker." };
        return SwarmCommand.OnBroker("status", "Show a cluster: the nodes online and the swarms.", [json], async (parsed, client, cancellationToken) =>
        {
            var nodes = await client.NodesAsync(cancellationToken);
            var states = await client.ReadRetainedAsync<SwarmState>(client.Topics.State("+"), cancellationToken);
            if (parsed.GetValue(json))
            {
                var all = new JsonObject
                {
                    ["broker"] = client.Broker,
                    ["cluster"] = client.Topics.Cluster,
                    ["nodes"] = new JsonArray([.. nodes.Select(n => JsonNode.Parse(ProtocolJson.Write(n)))]),
                    ["swarms"] = new JsonArray([.. states.Select(s => JsonNode.Parse(ProtocolJson.Write(s)))]),
                };
                console.Out.WriteLine(all.ToJsonString(Indented));
                return ExitCodes.Success;
            }
            var definitions = await client.ReadRetainedAsync(client.Topics.AllDefinitions, cancellationToken);
            console.Out.WriteLine($"Cluster {client.Topics.Cluster} on {client.Broker}");
            ClusterTables.WriteNodes(console, nodes);
            ClusterTables.WriteSwarms(console, SwarmRow.Of(client.Topics, states, definitions).Where(s => !s.IsRemoved), TimeProvider.System.GetUtcNow());
            return ExitCodes.Success;
        }).WithExamples("mantalight status", "mantalight status --broker mqtt://broker.example --json");
    }
}

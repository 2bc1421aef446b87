using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using MantaLight.Cli.Swarms;
using MantaLight.Cli.Watching;
using MantaLight.Protocol;

namespace MantaLight.Cli.Commands;

/// <summary><c>mantalight swarm show</c>: one swarm in full.</summary>
internal static class SwarmShowCommand
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <summary>The command.</summary>
    public static Command Create(CliConsole console)
    {
        var id = BrokerFlags.SwarmId();
        var json = new Option<bool>("--json") { Description = "Writes the state as it stands on the broker." };
        return SwarmCommand.OnBroker("show", "Show a swarm: condition, tasks, globals, rounds.", [id, json], async (parsed, client, cancellationToken) =>
        {
            var swarm = parsed.GetValue(id)!;
            var state = await client.StateAsync(swarm, cancellationToken) ?? throw await MissingAsync(client, swarm, cancellationToken);
            if (parsed.GetValue(json))
                console.Out.WriteLine(JsonNode.Parse(ProtocolJson.Write(state))!.ToJsonString(Indented));
            else
                Write(console, state, TimeProvider.System.GetUtcNow());
            return ExitCodes.Success;
        }).WithExamples("mantalight swarm show mnist", "mantalight swarm show mnist --json");
    }

    /// <summary>Why there is no state of a swarm.</summary>
    public static async Task<MantaLightException> MissingAsync(SwarmClient client, string swarm, CancellationToken cancellationToken) =>
        await client.DefinitionAsync(swarm, cancellationToken) is null
            ? new InvalidSettingException($"There is no swarm '{swarm}' in cluster '{client.Topics.Cluster}' on {client.Broker}. See `mantalight swarm list`.")
            : new InvalidSettingException($"Swarm '{swarm}' is deployed on {client.Broker}, but no node has started it yet. See `mantalight status` for the nodes online.");

    private static string PhaseOf(TaskState task, SwarmState state) => task.Phase switch
    {
        TaskPhase.Running when state.Status.IsFinal() => "ended with the run",
        TaskPhase.Pending when state.Status.IsFinal() => "not begun",
        _ => Texts.Snake(task.Phase),
    };

    private static void Write(CliConsole console, SwarmState state, DateTimeOffset now)
    {
        var view = new RunView(state.Swarm);
        view.Apply(state, state.Sent);
        var output = console.Out;
        output.WriteLine($"Swarm {state.Swarm}: {Texts.Snake(state.Status)}{(state.Reason is { } reason ? $" ({Texts.Line(reason)})" : "")}");
        output.WriteLine($"Run {state.Run}, coordinated by {Texts.Line(state.From)} (term {state.Term}), round {state.Round} of {state.MaximumRounds}");
        if (state.Waiting is { } waiting)
            output.WriteLine($"Waiting: {Texts.AsOf(waiting, now - state.Sent)}");
        foreach (var task in state.Tasks)
        {
            output.WriteLine($"Task {task.Alias}: {PhaseOf(task, state)}, {task.Completed} of {task.Placed} completed ({string.Join(", ", task.Nodes)})");
            foreach (var trouble in task.Troubles)
                output.WriteLine($"  {trouble.Node}: {Texts.Line(trouble.Reason)}");
        }
        foreach (var left in state.LeftOut.Where(l => l.UntilRound >= state.Round))
            output.WriteLine($"Left out until round {left.UntilRound}: {Texts.Line(left.Node)} (failed in {left.Failures} rounds in a row)");
        foreach (var global in state.Globals)
            output.WriteLine($"Global {global.Tag}: version {global.Version} of round {global.Round}{(global.Content.Blob is { } blob ? $", {Texts.Bytes(blob.Size)}, SHA-256 {blob.Sha256}" : "")}");
        if (!view.Finished.Any())
            return;
        if (console.Rich is { } rich)
            rich.Write(RoundTable.Rich(view.Finished));
        else
            RoundTable.WritePlain(output, view.Finished);
    }
}

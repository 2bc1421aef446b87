using System.CommandLine;
using MantaLight.Checkpoints;
using MantaLight.Cli.Checkpoints;
using MantaLight.Cli.Modules;
using MantaLight.Cli.Swarms;
using MantaLight.Cli.Watching;
using MantaLight.Protocol;
using MantaLight.Swarms;
using MantaLight.Tasks;

namespace MantaLight.Cli.Commands;

/// <summary><c>mantalight swarm deploy</c>: checks a definition and publishes it, which starts the swarm.</summary>
internal static class SwarmDeployCommand
{
    /// <summary>The command.</summary>
    public static Command Create(CliConsole console)
    {
        var source = new Argument<string>("swarm") { Description = "A definition (.json), or a project folder with swarm.json." };
        var id = BrokerFlags.Id();
        var set = BrokerFlags.Set();
        var broker = BrokerFlags.Broker();
        var cluster = BrokerFlags.Cluster();
        var resume = CheckpointFlags.ResumeFrom();
        var wait = new Option<bool>("--wait") { Description = "Watches until the swarm has ended; the exit code says whether it completed." };
        var command = new Command("deploy", "Check a definition and publish it: that starts the swarm.") { source, id, set, resume, wait, broker, cluster }.WithExamples(
            "mantalight swarm deploy examples/Mnist",
            "mantalight swarm deploy examples/Mnist/swarm.json --id trial_7 --set hyperparameters.lr=0.02 --wait",
            "mantalight swarm deploy examples/Mnist --resume-from temp/checkpoints/mnist-round-7.safetensors");
        command.SetAction(async (parsed, cancellationToken) =>
        {
            // All checks that need no broker come before one is asked for.
            var found = SwarmSource.Find(parsed.GetValue(source)!);
            var definition = await found.ReadAsync(new DefinitionChanges([.. parsed.GetValue(set) ?? []]), cancellationToken);
            await CheckTasksAsync(console, found, definition, cancellationToken);
            var checkpoint = parsed.GetValue(resume) is { } file ? await ResumeFile.ReadAsync(file, definition, console, cancellationToken) : null;
            await using var client = await SwarmClient.ConnectAsync(
                BrokerFlags.Parse(parsed.GetValue(broker)), parsed.GetValue(cluster)!, TimeProvider.System, cancellationToken);
            return await DeployAsync(console, client, definition, checkpoint, parsed.GetValue(id) ?? definition.Name, parsed.GetValue(wait), cancellationToken);
        });
        return command;
    }

    private static async Task CheckTasksAsync(CliConsole console, SwarmSource source, SwarmDefinition definition, CancellationToken cancellationToken)
    {
        var module = await ModuleFile.FindAsync(source, definition.Module, console.Out.WriteLine, cancellationToken);
        if (module is not null)
            SwarmValidator.Check(definition, new TaskCatalog([ModuleFile.Load(module, definition)]));
        else
            console.Out.WriteLine($"Note: module {definition.Module} is not here, so its tasks and their options are not checked before the start.");
    }

    private static async Task<int> DeployAsync(
        CliConsole console, SwarmClient client, SwarmDefinition definition, Checkpoint? checkpoint, string swarm, bool wait, CancellationToken cancellationToken)
    {
        var nodes = await client.NodesAsync(cancellationToken);
        if (nodes.Count > 0)
            PresenceCheck.Check(definition, nodes);
        var earlier = await client.StateAsync(swarm, cancellationToken);
        if (checkpoint is not null)
        {
            ResumeFile.RequireEnded(earlier, client, checkpoint);
            definition = await ResumeFile.PublishAsync(checkpoint, definition, client, swarm, cancellationToken);
        }
        var hash = SwarmJson.HashOf(definition);
        var view = new RunView(swarm, state => state.Definition == hash && state.Start >= (earlier?.Definition == hash && !earlier.Status.IsFinal() ? earlier.Start : (earlier?.Start ?? 0) + 1));
        await using var watcher = await SwarmWatcher.StartAsync(client, view, TimeProvider.System, cancellationToken);
        await client.DefineAsync(swarm, SwarmJson.Write(definition), cancellationToken);
        console.Out.WriteLine($"Deployed: {swarm} on {client.Broker}, {client.Topics.Definition(swarm)}");
        if (earlier is not null && earlier.Definition == hash && !earlier.Status.IsRemoval())
        {
            console.Out.WriteLine(earlier.Status.IsFinal()
                ? $"The same definition has ended as {Texts.Snake(earlier.Status)}, so nothing starts by itself. Start it again: mantalight swarm start {swarm}"
                : $"The same definition is {Texts.Snake(earlier.Status)} already (round {earlier.Round}); nothing changes.");
            if (!wait)
                return ExitCodes.Success;
            return earlier.Status.IsFinal()
                ? earlier.Status == RunStatus.Completed ? ExitCodes.Success : ExitCodes.Failure
                : await SwarmWatchCommand.ShowAsync(console, watcher, view, cancellationToken);
        }
        console.Out.WriteLine(nodes.Count > 0
            ? $"{nodes.Count} nodes are online; one of them is elected to coordinate and starts it."
            : "No node is online; the swarm starts when there are nodes for its tasks.");
        if (!wait)
        {
            console.Out.WriteLine($"Watch it: mantalight swarm watch {swarm}");
            return ExitCodes.Success;
        }
        return await SwarmWatchCommand.ShowAsync(console, watcher, view, cancellationToken);
    }
}

using System.CommandLine;
using MantaLight.Cli.Checkpoints;
using MantaLight.Cli.Watching;
using MantaLight.Protocol;

namespace MantaLight.Cli.Commands;

/// <summary><c>mantalight swarm watch</c>: a swarm while it runs.</summary>
internal static class SwarmWatchCommand
{
    /// <summary>The command.</summary>
    public static Command Create(CliConsole console)
    {
        var id = BrokerFlags.SwarmId();
        var checkpoints = new CheckpointFlags();
        Symbol[] symbols = [id, checkpoints.Folder, checkpoints.Every, checkpoints.Keep];
        return SwarmCommand.OnBroker("watch", "Watch a swarm until it has ended; the exit code says whether it completed.", symbols, async (parsed, client, cancellationToken) =>
        {
            var swarm = parsed.GetValue(id)!;
            if (await client.StateAsync(swarm, cancellationToken) is null && await client.DefinitionAsync(swarm, cancellationToken) is null)
                throw await SwarmShowCommand.MissingAsync(client, swarm, cancellationToken);
            var view = new RunView(swarm);
            await using var watcher = await SwarmWatcher.StartAsync(client, view, TimeProvider.System, cancellationToken);
            await using var kept = await CheckpointWatch.StartAsync(checkpoints.Of(parsed), client, watcher, swarm, console, cancellationToken);
            return await ShowAsync(console, watcher, view, cancellationToken);
        }).WithExamples("mantalight swarm watch mnist", "mantalight swarm watch mnist --checkpoints temp/checkpoints --checkpoint-every 5 --keep-checkpoints 3");
    }

    /// <summary>Shows a run to its end.</summary>
    public static async Task<int> ShowAsync(CliConsole console, SwarmWatcher watcher, RunView view, CancellationToken cancellationToken)
    {
        await RunScreens.ShowAsync(console, screen => watcher.WatchAsync(screen, cancellationToken));
        RunSummary.WriteRounds(console, [.. view.Finished]);
        if (console.Rich is not null)
            console.Out.WriteLine($"Swarm {view.Swarm}: {Texts.Snake(view.State!.Status)}{(view.State.Reason is { } reason ? $" ({Texts.Line(reason)})" : "")}");
        return view.State?.Status == RunStatus.Completed ? ExitCodes.Success : ExitCodes.Failure;
    }
}

using System.Collections.Immutable;
using System.Reflection;

using MantaLight.Broker;
using MantaLight.Cli.Checkpoints;
using MantaLight.Cli.Modules;
using MantaLight.Cli.Swarms;
using MantaLight.Cli.Watching;
using MantaLight.Protocol;
using MantaLight.Swarms;
using MantaLight.Tasks;
using Microsoft.Extensions.Logging;

namespace MantaLight.Cli.Running;

/// <summary>A whole swarm from one command: its module, its data, a broker, its nodes, and the watch over it.</summary>
internal sealed class SwarmRun(RunSettings settings, CliConsole console, ILoggerFactory loggers, TimeProvider time)
{
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(5);

    private readonly long began = time.GetTimestamp();
    private SwarmDefinition? definition;
    private RunView? view;

    private string SwarmId => settings.Id ?? definition!.Name;

    /// <summary>Runs to the end.</summary>
    /// <returns>The exit code.</returns>
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        var failure = "it ended without a state";
        if (settings.Json is { } json)
            RunReport.RequireWritable(json);
        try
        {
            var completed = await RunSwarmAsync(cancellationToken);
            failure = view!.HasEnded ? failure : "all nodes have ended";
            return completed ? ExitCodes.Success : ExitCodes.Failure;
        }
        catch (OperationCanceledException)
        {
            failure = "cancelled";
            throw;
        }
        catch (Exception e)
        {
            failure = e.Message;
            throw;
        }
        finally
        {
            // Also when it failed, and when the caller wants everything to end: the numbers so far are worth having.
            await ReportAsync(failure, CancellationToken.None);
        }
    }

    private async Task<bool> RunSwarmAsync(CancellationToken cancellationToken)
    {
        if (settings.Processes && settings.Attackers is not null)
            throw new InvalidSettingException("--attack is for nodes in this process: leave --processes out.");
        var source = SwarmSource.Find(settings.Target);
        var read = await source.ReadAsync(settings.Changes, cancellationToken);
        definition = read with { Rounds = read.Rounds with { MinimumNodes = MinimumNodes(read, settings.NodeIds) } };
        var file = await ModuleFile.FindAsync(source, definition.Module, console.Out.WriteLine, cancellationToken)
            ?? throw new ModuleException($"The module {definition.Module} is neither in the project beside {source.DefinitionFile} nor a .dll there. Put the definition into the module's project folder.");
        var module = ModuleFile.Load(file, definition);
        SwarmValidator.Check(definition, new TaskCatalog([module]));
        var checkpoint = settings.ResumeFrom is { } from ? await ResumeFile.ReadAsync(from, definition, console, cancellationToken) : null;
        var data = await RunData.EnsureAsync(settings, definition, console, cancellationToken);

        using var folder = new TemporaryFolder();
        await using var broker = settings.Broker is null ? await EmbeddedBroker.StartAsync(new EmbeddedBrokerOptions { Port = 0 }, loggers, time, cancellationToken) : null;
        var uri = settings.Broker ?? broker!.Uri;
        await using var client = await SwarmClient.ConnectAsync(uri, settings.Cluster, time, cancellationToken);
        await RefuseIfRunningAsync(client, cancellationToken);
        RunNode[] nodes = [.. settings.NodeIds.Zip(data, (id, datasets) => new RunNode(id, datasets, Path.Combine(folder.Path, id)))];
        await using var group = Group(nodes, module, file, uri);
        console.Out.WriteLine($"Starting {settings.Nodes} {(settings.Processes ? "processes" : "nodes")} on {client.Broker}");
        await group.StartAsync(client, cancellationToken);
        if (checkpoint is not null)
            definition = await ResumeFile.PublishAsync(checkpoint, definition, client, SwarmId, cancellationToken);
        return await DeployAndWatchAsync(client, group, cancellationToken);
    }

    private NodeGroup Group(RunNode[] nodes, Assembly module, string file, Uri uri) => settings.Processes
        ? new NodesInProcesses(nodes, file, uri, settings.Cluster, time)
        : new NodesInProcess(nodes, settings.Attackers, module, uri, settings.Cluster, loggers, time);

    private async Task<bool> DeployAndWatchAsync(SwarmClient client, NodeGroup group, CancellationToken cancellationToken)
    {
        var hash = SwarmJson.HashOf(definition!);
        var earlier = await client.StateAsync(SwarmId, cancellationToken);
        view = new RunView(SwarmId, state => state.Definition == hash && state.Start > (earlier?.Start ?? 0));
        await using var watcher = await SwarmWatcher.StartAsync(client, view, time, cancellationToken);
        group.WhenOneEnds((what, last) =>
        {
            if (last)
                watcher.GiveUp(what);
            else
                watcher.Note(new Happening.Trouble(what));
        });
        await using var checkpoints = await CheckpointWatch.StartAsync(settings.Checkpoints, client, watcher, SwarmId, console, cancellationToken);
        await client.DefineAsync(SwarmId, SwarmJson.Write(definition!), cancellationToken);
        if (earlier is not null && earlier.Definition == hash && !earlier.Status.IsRemoval())
            await client.ControlAsync(SwarmId, SwarmAction.Start, cancellationToken);
        try
        {
            await RunScreens.ShowAsync(console, screen => watcher.WatchAsync(screen, cancellationToken));
        }
        catch (OperationCanceledException) when (settings.Broker is not null)
        {
            // Others share this broker: the swarm must not stay behind as if it went on.
            await client.ControlAsync(SwarmId, SwarmAction.Stop, CancellationToken.None);
            await client.WaitForStateAsync(SwarmId, s => s.Definition == hash && s.Status.IsFinal(), StopPatience, CancellationToken.None);
            throw;
        }
        if (settings.ResumeFrom is { } file && view.State?.Status == RunStatus.Failed && view.State.History.IsEmpty)
            console.WriteError($"The run failed in its first round behind {file}: {Texts.Line(view.State.Reason ?? "")} Where the model has changed since, go on with the module that wrote it, or begin anew.");
        return view.State?.Status == RunStatus.Completed;
    }

    private async Task RefuseIfRunningAsync(SwarmClient client, CancellationToken cancellationToken)
    {
        if (settings.Broker is null || await client.StateAsync(SwarmId, cancellationToken) is not { } state || state.Status.IsFinal())
            return;
        throw new InvalidSettingException($"Swarm '{SwarmId}' is {Texts.Snake(state.Status)} on {client.Broker} already (round {state.Round}). Stop it (mantalight swarm stop {SwarmId}), or give this run another --id.");
    }

    /// <summary>All nodes, where the first tasks are for all of them.</summary>
    public static int MinimumNodes(SwarmDefinition read, IReadOnlyCollection<string> nodeIds)
    {
        var possible = read.Tasks
            .Where(t => t.Method == PlacementMethod.All && t.After.IsEmpty)
            .Select(t => nodeIds.Count(id => (t.SpecifiedIds.IsEmpty || t.SpecifiedIds.Contains(id)) && !t.ExceptedIds.Contains(id)));
        return Math.Max(1, possible.DefaultIfEmpty(nodeIds.Count).Min());
    }

    private async Task ReportAsync(string failure, CancellationToken cancellationToken)
    {
        RoundView[] rounds = [.. view?.Finished ?? []];
        var state = view?.State;
        var ended = state is not null && state.Status.IsFinal();
        var report = new RunReport
        {
            Status = ended ? Texts.Snake(state!.Status) : failure == "cancelled" ? failure : "failed",
            Reason = ended ? state!.Reason : failure == "cancelled" ? null : failure,
            Swarm = settings.Id ?? definition?.Name ?? "",
            Seed = definition?.Seed ?? settings.Changes.Seed ?? 0,
            Run = state?.Run,
            Nodes = settings.Nodes,
            Partition = settings.Partition.ToString(),
            Rounds = [.. rounds.Select(RoundReport.Of)],
            Privacy = [.. PrivacyReport.After(rounds)],
            BytesUp = state?.BytesUp ?? 0,
            BytesDown = state?.BytesDown ?? 0,
            Seconds = Math.Round(time.GetElapsedTime(began).TotalSeconds, 3),
        };
        if (view is not null)
            RunSummary.Write(console, rounds, report);
        if (settings.Json is { } path)
            await report.WriteAsync(path, cancellationToken);
    }
}

using System.Globalization;
using MantaLight.Cli.Checkpoints;
using MantaLight.Cli.Modules;
using MantaLight.Cli.Swarms;
using MantaLight.Cli.Watching;
using MantaLight.Messaging;
using MantaLight.Protocol;
using MantaLight.Swarms;
using MantaLight.Tasks;
using MantaLight.Virtual;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace MantaLight.Cli.Running;

/// <summary>A swarm of many participants in this process: its module, its data in memory, and the watch over it.</summary>
internal sealed class SimulatedRun(SimulationSettings settings, CliConsole console, ILoggerFactory loggers, TimeProvider time)
{
    private readonly long began = time.GetTimestamp();
    private readonly SimulatedCheckpoints checkpoints = new(settings.Checkpoints);
    private SwarmDefinition? definition;
    private RunView? view;
    private TimeSpan? ran;

    /// <summary>Runs to the end.</summary>
    /// <returns>The exit code.</returns>
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        var failure = "it ended without a state";
        if (settings.Json is { } json)
            RunReport.RequireWritable(json);
        try
        {
            return await RunSwarmAsync(cancellationToken) ? ExitCodes.Success : ExitCodes.Failure;
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
            // Also when it failed or is to end: the numbers so far are worth having.
            await ReportAsync(failure);
        }
    }

    private async Task<bool> RunSwarmAsync(CancellationToken cancellationToken)
    {
        var source = SwarmSource.Find(settings.Target);
        definition = SimulatedDefinition.Of(settings, await source.ReadAsync(settings.Changes, cancellationToken), console.Out.WriteLine);
        var file = await ModuleFile.FindAsync(source, definition.Module, console.Out.WriteLine, cancellationToken)
            ?? throw new ModuleException($"The module {definition.Module} is neither in the project beside {source.DefinitionFile} nor a .dll there. Put the definition into the module's project folder.");
        var catalog = new TaskCatalog([ModuleFile.Load(file, definition)]);
        SwarmValidator.Check(definition, catalog);
        var checkpoint = settings.ResumeFrom is { } from ? await ResumeFile.ReadAsync(from, definition, console, cancellationToken) : null;
        var nodes = await SimulatedData.ParticipantsAsync(settings, definition, console, cancellationToken);
        if (settings.Attackers is { } attackers)
            nodes = [.. nodes.Select((node, number) => node with { Attack = attackers.Of(number) })];
        // Threads of one attempt that wait for those of another cost far more than they bring.
        var slots = settings.Slots ?? Math.Max(1, Environment.ProcessorCount / definition.Threads);
        var fraction = settings.Fraction is { } part and < 1 ? string.Create(CultureInfo.InvariantCulture, $", {part * 100:0.##} % of them in each round,") : "";
        console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Simulating {settings.Participants:N0} participants{fraction} on {slots} {(slots == 1 ? "slot" : "slots")}"));
        await using var services = new ServiceCollection().AddSingleton(loggers).AddLogging().AddSingleton(time).BuildServiceProvider();
        // As in a real swarm, but that a message is as large as it has to be.
        var broker = new SimulatedBroker(new SimulatedBrokerOptions { Limits = new BrokerLimits { MaximumPacketSize = int.MaxValue, ReplaysRetainedByWildcard = true } }, time);
        await using var client = await SwarmClient.ConnectAsync(broker, VirtualSwarmSettings.Cluster, time, cancellationToken);
        view = new RunView(definition.Name) { AreMany = settings.Participants > RunView.MaximumTold };
        await using var watcher = await SwarmWatcher.StartAsync(client, view, time, cancellationToken, isOwn: true);
        await using var swarm = new VirtualSwarm(
            new VirtualSwarmSettings
            {
                Swarm = definition.Name, Definition = definition, Catalog = catalog, Nodes = nodes, Services = services, Slots = slots,
                Checkpoints = settings.Checkpoints, Kept = news => watcher.Note(checkpoints.Note(news)), From = checkpoint,
            },
            broker, loggers, time);
        return (await RunScreens.ShowAsync(console, screen => WatchedSwarm.RunAsync(swarm, client, watcher, settings.Json is null ? new ForgetfulScreen(screen) : screen, took => ran = took, time, cancellationToken))).Status == RunStatus.Completed;
    }

    private async Task ReportAsync(string failure)
    {
        RoundView[] rounds = [.. view?.Finished ?? []];
        var state = view?.State;
        var ended = state is not null && state.Status.IsFinal();
        var report = new RunReport
        {
            Status = ended ? Texts.Snake(state!.Status) : failure == "cancelled" ? failure : "failed",
            Reason = ended ? state!.Reason : failure == "cancelled" ? null : failure,
            Swarm = definition?.Name ?? "",
            Seed = definition?.Seed ?? settings.Changes.Seed ?? 0,
            Run = state?.Run,
            Nodes = settings.Participants,
            Partition = settings.Data is null ? settings.Partition.ToString() : null,
            Rounds = [.. rounds.Select(RoundReport.Of)],
            Privacy = [.. PrivacyReport.After(rounds)],
            BytesUp = state?.BytesUp ?? 0,
            BytesDown = state?.BytesDown ?? 0,
            Seconds = Math.Round(time.GetElapsedTime(began).TotalSeconds, 3),
        };
        if (view is not null)
        {
            RunSummary.Write(console, rounds, report);
            checkpoints.Write(console);
            var (updates, took) = (rounds.Sum(r => (long)r.Summary!.Participants), ran ?? time.GetElapsedTime(began));
            console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{updates:N0} participant updates in {took.TotalSeconds:F1} s: {updates / Math.Max(took.TotalMinutes, 1e-9):N0} a minute"));
        }
        if (settings.Json is { } path)
            await report.WriteAsync(path, CancellationToken.None);
    }
}

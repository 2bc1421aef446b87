using System.Collections.Immutable;
using System.Globalization;
using MantaLight.Cli.Data;
using MantaLight.Cli.Modules;
using MantaLight.Cli.Swarms;
using MantaLight.Cli.Watching;
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
    /// <summary>Of more participants than these, each one's numbers are not kept when their round has been told.</summary>
    private const int MaximumKept = 100;

    private static readonly TimeSpan RefreshInterval = TimeSpan.FromMilliseconds(100);

    private readonly long began = time.GetTimestamp();
    private long updates;

    /// <summary>Runs to the end.</summary>
    /// <returns>The exit code.</returns>
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        if (settings.Json is { } json)
            RunReport.RequireWritable(json);
        var source = SwarmSource.Find(settings.Target);
        var definition = Sampled(await source.ReadAsync(settings.Changes, cancellationToken));
        var file = await ModuleFile.FindAsync(source, definition.Module, console.Out.WriteLine, cancellationToken)
            ?? throw new ModuleException($"The module {definition.Module} is neither in the project beside {source.DefinitionFile} nor a .dll there. Put the definition into the module's project folder.");
        var catalog = new TaskCatalog([ModuleFile.Load(file, definition)]);
        SwarmValidator.Check(definition, catalog);
        // Threads of one attempt that wait for those of another cost far more than they bring.
        var slots = settings.Slots ?? Math.Max(1, Environment.ProcessorCount / definition.Threads);
        var nodes = await ParticipantsAsync(definition, cancellationToken);
        console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Simulating {settings.Participants:N0} participants, {settings.Fraction:P0} in each round, on {slots} slots"));
        var view = new RunView(definition.Name);
        await using var services = new ServiceCollection().BuildServiceProvider();
        var ran = time.GetTimestamp();
        try
        {
            var inputs = new WatchQueue(1 << 20);
            var roots = definition.Tasks.Where(t => t.After.IsEmpty).Select(t => t.Alias).ToHashSet(StringComparer.Ordinal);
            await using var swarm = new VirtualSwarm(
                new VirtualSwarmSettings { Swarm = definition.Name, Definition = definition, Catalog = catalog, Nodes = nodes, Services = services, Slots = slots },
                message => Hear(message, roots, inputs), loggers, time);
            var running = swarm.RunAsync(cancellationToken);
            await RunScreens.ShowAsync(console, screen => WatchAsync(screen, view, inputs, running));
            return (await running).Status == RunStatus.Completed ? ExitCodes.Success : ExitCodes.Failure;
        }
        finally
        {
            await ReportAsync(view, definition, time.GetElapsedTime(ran));
        }
    }

    /// <summary>The definition with its tasks for all on a part of the participants.</summary>
    private SwarmDefinition Sampled(SwarmDefinition read)
    {
        if (settings.Fraction >= 1)
            return read;
        return read with
        {
            Tasks = [.. read.Tasks.Select(t => t is { Method: PlacementMethod.All, Maximum: null } ? t with { Maximum = new TaskMaximum(0, settings.Fraction) } : t)],
        };
    }

    private async Task<ImmutableArray<VirtualNode>> ParticipantsAsync(SwarmDefinition definition, CancellationToken cancellationToken)
    {
        var other = definition.Tasks.SelectMany(t => t.Datasets).FirstOrDefault(d => d != MnistPartitions.Dataset);
        if (other is not null)
            throw new InvalidSettingException($"The definition asks for data set '{other}'; simulate shares out '{MnistPartitions.Dataset}' alone. Run it with `mantalight run`, or start a VirtualSwarm from your own program.");
        var (train, test) = await DownloadView.ShowAsync(console, progress => MnistSources.Create(null, null).GetAsync(progress, cancellationToken));
        return MnistParticipants.Of(train, test, new MnistPartitions { Nodes = settings.Participants, Partition = settings.Partition, Seed = definition.Seed, Test = settings.Test });
    }

    private void Hear(ControlMessage message, HashSet<string> roots, WatchQueue inputs)
    {
        // A task of thousands is told by its round, not by each one's line.
        if (message is TaskAccepted or TaskRunning)
            return;
        if (message is TaskCompleted { Alias: var alias } && roots.Contains(alias))
            updates++;
        inputs.Add(new WatchInput(message));
    }

    private async Task<bool> WatchAsync(IRunScreen screen, RunView view, WatchQueue inputs, Task<SwarmState> running)
    {
        while (true)
        {
            var isOver = running.IsCompleted;
            var happened = new List<Happening>();
            foreach (var input in inputs.TakeAll(out _))
            {
                if (input.Message is { } message)
                    happened.AddRange(view.Apply(message, time.GetUtcNow()).Where(IsTold));
            }
            screen.Show(view, happened);
            if (settings.Json is null && settings.Participants > MaximumKept)
            {
                foreach (var told in happened.OfType<Happening.RoundFinished>())
                    told.Round.Forget();
            }
            if (isOver)
                return true;
            await Task.WhenAny(running, Task.Delay(RefreshInterval, time, CancellationToken.None));
        }
    }

    private static bool IsTold(Happening happening) => happening is not Happening.TaskChanged { Status: not AttemptStatus.Failed };

    private async Task ReportAsync(RunView view, SwarmDefinition definition, TimeSpan ran)
    {
        RoundView[] rounds = [.. view.Finished];
        var state = view.State;
        var report = new RunReport
        {
            Status = state is not null && state.Status.IsFinal() ? Texts.Snake(state.Status) : "cancelled",
            Reason = state?.Reason,
            Swarm = definition.Name,
            Seed = definition.Seed,
            Run = state?.Run,
            Nodes = settings.Participants,
            Partition = settings.Partition.ToString(),
            Rounds = [.. rounds.Select(RoundReport.Of)],
            BytesUp = state?.BytesUp ?? 0,
            BytesDown = state?.BytesDown ?? 0,
            Seconds = Math.Round(time.GetElapsedTime(began).TotalSeconds, 3),
        };
        RunSummary.Write(console, rounds, report);
        console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{updates:N0} participant updates in {ran.TotalSeconds:F1} s: {updates / Math.Max(ran.TotalMinutes, 1e-9):N0} a minute"));
        if (settings.Json is { } path)
            await report.WriteAsync(path, CancellationToken.None);
    }
}

using System.Collections.Immutable;
using MantaLight.Cli.Chaos.Faults;
using MantaLight.Cli.Chaos.Plan;
using MantaLight.Cli.Chaos.Processes;
using MantaLight.Cli.Chaos.Watch;
using MantaLight.Cli.Modules;
using MantaLight.Cli.Running;
using MantaLight.Cli.Swarms;
using MantaLight.Cli.Watching;
using MantaLight.Protocol;
using MantaLight.Swarms;
using MantaLight.Tasks;

namespace MantaLight.Cli.Chaos;

/// <summary>A swarm undisturbed, the same one under faults, and what differs.</summary>
internal sealed class ChaosRun(ChaosSettings settings, CliConsole console, TimeProvider time)
{
    // More than any trial takes: faults must not be mistaken for stragglers.
    private static readonly TimeSpan Deadline = TimeSpan.FromHours(12);
    private const int Retries = 100;

    private readonly SortedDictionary<string, string> notPossible = new(StringComparer.Ordinal);
    private readonly List<string> problems = [];
    private readonly long began = time.GetTimestamp();
    private double undisturbedSeconds;

    /// <summary>Runs both.</summary>
    /// <returns>The exit code.</returns>
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        if (!OperatingSystem.IsLinux())
            throw new InvalidSettingException("Chaos needs Linux: its signals and its disks are Linux's.");
        if (settings.Broker == BrokerKind.Mosquitto && BrokerProcess.Mosquitto is null)
            throw new InvalidSettingException("mosquitto is not installed, neither on PATH nor in /usr/sbin. On Debian: apt-get install mosquitto.");
        if (settings.Run.Json is { } json)
            RunReport.RequireWritable(json);
        var source = SwarmSource.Find(settings.Run.Target);
        var read = await source.ReadAsync(settings.Run.Changes, cancellationToken);
        var definition = read with { Rounds = WithEverybody(read) };
        var roles = new Roles(definition);
        var module = await ModuleFile.FindAsync(source, definition.Module, console.Out.WriteLine, cancellationToken)
            ?? throw new ModuleException($"The module {definition.Module} is neither in the project beside {source.DefinitionFile} nor a .dll there. Put the definition into the module's project folder.");
        SwarmValidator.Check(definition, new TaskCatalog([ModuleFile.Load(module, definition)]));
        var data = await RunData.EnsureAsync(settings.Run, definition, console, cancellationToken);

        using var folder = new TemporaryFolder();
        var kinds = await KindsAsync(roles, folder.Path, cancellationToken);
        ClusterSettings cluster = new("", settings.Broker, definition.Name, module, [.. settings.Run.NodeIds.Zip(data)]);
        var report = await ChaosScreen.ShowAsync(console, async screen =>
        {
            var undisturbed = new ChaosTrial(cluster with { Folder = Path.Combine(folder.Path, "undisturbed") }, definition, roles, screen, time);
            // A swarm that fails by itself is to fail undisturbed already; faults are to cost it nothing but time.
            var patient = definition with { Rounds = definition.Rounds with { OnShortfall = ShortfallPolicy.Wait, Retries = Retries } };
            var disturbed = new ChaosTrial(cluster with { Folder = Path.Combine(folder.Path, "faults") }, patient, roles, screen, time);
            try
            {
                await RunAsync(undisturbed, disturbed, roles, kinds, screen, cancellationToken);
            }
            catch (ChaosException e)
            {
                problems.Add(e.Message);
            }
            folder.Keep = problems.Count > 0;
            return Report(definition, roles, undisturbed, disturbed, folder);
        });
        ChaosScreen.WriteSummary(console, report);
        if (settings.Run.Json is { } path)
            await report.WriteAsync(path, cancellationToken);
        return report.Passed ? ExitCodes.Success : ExitCodes.Failure;
    }

    /// <summary>Both runs must have the same participants in every round: rounds wait for whoever is away.</summary>
    private RoundsDefinition WithEverybody(SwarmDefinition read)
    {
        var nodes = SwarmRun.MinimumNodes(read, settings.Run.NodeIds);
        return read.Rounds with
        {
            MinimumNodes = nodes, Quorum = Math.Max(1, nodes), LeaveOutAfter = 0, Deadline = Deadline, AdaptiveDeadline = null,
        };
    }

    private async Task RunAsync(
        ChaosTrial undisturbed, ChaosTrial disturbed, Roles roles, FaultKind[] kinds, ChaosScreen screen, CancellationToken cancellationToken)
    {
        screen.Say($"Undisturbed run: {settings.Run.Nodes} nodes on {Texts.Snake(settings.Broker)}");
        screen.Now("Undisturbed run");
        await undisturbed.RunAsync([], ImmutableDictionary<string, WorkTime>.Empty, cancellationToken);
        undisturbedSeconds = time.GetElapsedTime(began).TotalSeconds;
        var rounds = undisturbed.View.Rounds.Count;
        screen.Say($"Undisturbed: {rounds} rounds, final global {Texts.Hash(Final(undisturbed.View))}");
        if (Final(undisturbed.View) is null)
            throw new ChaosException("The swarm has no weights among its globals, so there is no hash to compare: chaos can prove nothing about it.");
        var plan = FaultPlan.Create(settings.Run.Changes.Seed ?? 0, rounds, settings.Faults, roles, kinds);
        try
        {
            await disturbed.RunAsync(plan, WorkTimes(undisturbed.View), cancellationToken);
        }
        finally
        {
            problems.AddRange(ChaosVerdict.Differences(undisturbed.View.Rounds, disturbed.View.Rounds));
        }
    }

    private async Task<FaultKind[]> KindsAsync(Roles roles, string folder, CancellationToken cancellationToken)
    {
        var wanted = AllFaults.All.Select(f => f.Kind).Where(k => settings.Kinds.IsEmpty || settings.Kinds.Contains(k.Name)).ToList();
        foreach (var kind in wanted.Where(k => roles.StagesOf(k.Role).IsEmpty))
            notPossible[kind.Name] = $"no task of this swarm has that role ({Texts.Snake(kind.Role)})";
        if (wanted.Exists(k => k.Name == AllFaults.DiskFull))
        {
            await using var disks = await SmallDisks.TryMountAsync([Path.Combine(folder, "probe")], cancellationToken);
            if (disks is null)
                notPossible[AllFaults.DiskFull] = "it needs unshare, nsenter and namespaces for users, in which small disks are mounted";
        }
        return [.. wanted.Where(k => !notPossible.ContainsKey(k.Name))];
    }

    private ChaosReport Report(SwarmDefinition definition, Roles roles, ChaosTrial undisturbed, ChaosTrial disturbed, TemporaryFolder folder) => new()
    {
        Problems = [.. problems],
        Swarm = definition.Name,
        Broker = Texts.Snake(settings.Broker),
        Nodes = settings.Run.Nodes,
        Seed = settings.Run.Changes.Seed ?? 0,
        Planned = settings.Faults,
        Faults = disturbed.Happened.Count,
        Rounds = undisturbed.View.Rounds.Count,
        RoundsLost = undisturbed.View.Rounds.Keys.Except(disturbed.View.Rounds.Keys).Count(),
        HashEqual = Final(undisturbed.View) is { } expected && Final(disturbed.View) == expected,
        GlobalSha256 = Final(disturbed.View),
        UndisturbedSha256 = Final(undisturbed.View),
        ReexecutedAttempts = disturbed.View.Reexecuted(roles.IsForOneNode),
        Recoveries = Recoveries.Of(disturbed.Happened),
        NotPossible = notPossible.ToImmutableSortedDictionary(StringComparer.Ordinal),
        Happened = [.. disturbed.Happened],
        UndisturbedSeconds = Math.Round(undisturbedSeconds, 3),
        Seconds = Math.Round(time.GetElapsedTime(began).TotalSeconds, 3),
        Logs = folder.Keep ? folder.Path : null,
    };

    private static Dictionary<string, WorkTime> WorkTimes(WireView view) => view.Updates
        .Where(u => u.Value is TaskCompleted)
        .GroupBy(u => u.Key.Alias, u => ((TaskCompleted)u.Value).Seconds, StringComparer.Ordinal)
        .ToDictionary(g => g.Key, g => new WorkTime(TimeSpan.FromSeconds(g.Min()), TimeSpan.FromSeconds(g.Max())), StringComparer.Ordinal);

    private static string? Final(WireView view) => view.State is { Status: RunStatus.Completed } && !view.Rounds.IsEmpty ? view.Rounds.Last().Value.GlobalSha256 : null;
}

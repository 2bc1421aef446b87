using System.Collections.Immutable;
using MantaLight.Cli.Chaos.Faults;
using MantaLight.Cli.Chaos.Plan;
using MantaLight.Cli.Chaos.Processes;
using MantaLight.Cli.Chaos.Watch;
using MantaLight.Cli.Watching;
using MantaLight.Protocol;
using MantaLight.Swarms;

namespace MantaLight.Cli.Chaos;

/// <summary>One run of a swarm in processes, undisturbed or under the faults of a plan.</summary>
internal sealed class ChaosTrial(ClusterSettings cluster, SwarmDefinition definition, Roles roles, ChaosScreen screen, TimeProvider time)
{
    private static readonly TimeSpan TaskPatience = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan RunPatience = TimeSpan.FromMinutes(30);

    private readonly List<FaultReport> happened = [];

    /// <summary>The faults that are over.</summary>
    public IReadOnlyList<FaultReport> Happened => happened;

    /// <summary>What was seen of the run when it ended or was given up.</summary>
    public WireView View { get; private set; } = new();

    /// <summary>Runs to the end.</summary>
    /// <param name="plan">The faults.</param>
    /// <param name="workTimes">How long each task works when nobody disturbs it.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="ChaosException">Something did not recover, or the swarm did not complete.</exception>
    public async Task RunAsync(ImmutableArray<PlannedFault> plan, IReadOnlyDictionary<string, WorkTime> workTimes, CancellationToken cancellationToken)
    {
        var smallDisks = plan.Any(f => f.Kind.Name == AllFaults.DiskFull);
        await using var running = await ChaosCluster.StartAsync(
            cluster, smallDisks, brake => brake.Hold(plan.Select(f => (f.Round, f.Alias))), time, cancellationToken);
        try
        {
            await running.Wire.DefineAsync(SwarmJson.Write(definition), cancellationToken);
            for (var i = 0; i < plan.Length; i++)
            {
                var last = i + 1 == plan.Length || !IsOfOneTask(plan[i + 1], plan[i]);
                await StrikeAsync(running, plan[i], last, endsRun: IsOfOneTask(plan[i], plan[^1]), plan.Length, workTimes, cancellationToken);
            }
            screen.Now("Waiting for the end of the run");
            await EndAsync(running.Wire, cancellationToken);
        }
        finally
        {
            View = running.Wire.View;
        }
    }

    private async Task StrikeAsync(
        ChaosCluster running, PlannedFault fault, bool last, bool endsRun, int faults, IReadOnlyDictionary<string, WorkTime> workTimes, CancellationToken cancellationToken)
    {
        screen.Now($"Fault {fault.Number} of {faults}: {fault.Kind.Name}, waiting for round {fault.Round}, {fault.Alias}");
        var due = await running.Wire.UntilAsync(
            v => v.Task(fault.Round, fault.Alias)?.Phase == TaskPhase.Running || v.IsPast(fault.Round, fault.Alias), TaskPatience, cancellationToken);
        if (due is null)
            throw new ChaosException($"Round {fault.Round}, {fault.Alias}, did not begin within {TaskPatience.TotalMinutes:F0} minutes. {Waiting(running.Wire.View)}");
        if (running.Wire.View.State is { } ended && ended.Status.IsFinal())
            throw new ChaosException($"The swarm {Texts.Snake(ended.Status)} ({ended.Reason}) before fault {fault.Number}, {fault.Kind.Name}.");
        screen.Now($"Fault {fault.Number} of {faults}: round {fault.Round}, {fault.Alias}: {fault.Kind.Name}");
        var scene = new FaultScene(fault, running, roles, workTimes.GetValueOrDefault(fault.Alias), last, endsRun, time, cancellationToken);
        var outcome = await AllFaults.Find(fault.Kind.Name).InflictAsync(scene);
        happened.Add(new FaultReport
        {
            Number = fault.Number,
            Kind = fault.Kind.Name,
            Round = fault.Round,
            Alias = fault.Alias,
            Target = outcome.Target,
            RecoverySeconds = outcome.Seconds is { } seconds ? Math.Round(seconds, 3) : null,
            Note = outcome.Note,
            Idle = outcome.Idle,
            AtWork = scene.IsAtWork || (fault.Kind.AtWork && !outcome.Idle),
        });
        screen.Say(fault, outcome, faults);
        if (last)
            running.Brake.Release(fault.Round, fault.Alias);
    }

    private static bool IsOfOneTask(PlannedFault one, PlannedFault other) => (one.Round, one.Alias) == (other.Round, other.Alias);

    private static async Task EndAsync(Wire wire, CancellationToken cancellationToken)
    {
        if (await wire.UntilAsync(v => v.State?.Status.IsFinal() == true, RunPatience, cancellationToken) is null)
            throw new ChaosException($"The swarm did not end within {RunPatience.TotalMinutes:F0} minutes. {Waiting(wire.View)}");
        if (wire.View.State is { Status: not RunStatus.Completed } state)
            throw new ChaosException($"The swarm {Texts.Snake(state.Status)}: {state.Reason}");
    }

    private static string Waiting(WireView view) => view.State is { } state
        ? $"Round {state.Round}, {Texts.Snake(state.Status)}{(state.Waiting is { } waiting ? $", waiting: {waiting}" : "")}."
        : "It has no state.";
}

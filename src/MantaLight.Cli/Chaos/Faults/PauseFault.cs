using MantaLight.Cli.Chaos.Plan;
using MantaLight.Cli.Chaos.Watch;

namespace MantaLight.Cli.Chaos.Faults;

/// <summary>SIGSTOP of a node's process, and SIGCONT after a few seconds: what was a pause for it was none for the others.</summary>
internal sealed class PauseFault(string name, int weight, FaultRole role) : Fault(name, weight, role)
{
    private readonly FaultRole role = role;

    public override async Task<FaultOutcome> InflictAsync(FaultScene scene)
    {
        var node = scene.Choose(role);
        await scene.WorkAsync(node.Id);
        node.Pause();
        var pause = scene.Between(0.5, 3);
        await scene.DelayAsync(pause);
        if (!node.IsPaused)
            throw new ChaosException($"{Kind.Name} of {node.Id}: its process was not stopped.");
        var resumed = scene.Now;
        node.Resume();
        await scene.Wire.AskAsync(node.Id, scene.Cancelled);
        var seconds = await scene.ProveAsync(v => Recovery.HasAnswered(v, node, resumed), resumed, $"{Kind.Name} of {node.Id}");
        await scene.SettleAsync(default);
        return new FaultOutcome(node.Id, seconds, $"for {pause.TotalSeconds:F1} s");
    }
}

/// <summary>SIGSTOP of the coordinator's host until another has taken its place, then SIGCONT: it must find out and stand down.</summary>
internal sealed class FreezeFault(string name, int weight) : Fault(name, weight, FaultRole.Coordinator)
{
    public override async Task<FaultOutcome> InflictAsync(FaultScene scene)
    {
        var node = scene.Choose(FaultRole.Coordinator);
        await scene.WorkAsync(node.Id);
        var term = scene.Wire.View.Claim?.Term ?? 0;
        var frozen = scene.Now;
        node.Pause();
        double? seconds;
        try
        {
            seconds = await scene.ProveAsync(v => Recovery.IsSucceeded(v, term), frozen, $"{Kind.Name} of {node.Id}: a successor");
        }
        finally
        {
            node.Resume();
        }
        var resumed = scene.Now;
        await scene.Wire.AskAsync(node.Id, scene.Cancelled);
        await scene.ProveAsync(v => Recovery.HasAnswered(v, node, resumed), resumed, $"{Kind.Name} of {node.Id}: its return");
        await scene.SettleAsync(default);
        return new FaultOutcome(node.Id, seconds);
    }
}

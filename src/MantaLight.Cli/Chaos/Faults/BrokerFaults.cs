using MantaLight.Cli.Chaos.Plan;
using MantaLight.Cli.Chaos.Watch;

namespace MantaLight.Cli.Chaos.Faults;

/// <summary>SIGKILL of the broker and its start: with what it had kept, or, where everything is lost, with nothing.</summary>
internal sealed class BrokerFault(string name, int weight, bool everythingLost) : Fault(name, weight, FaultRole.Everybody)
{
    public override async Task<FaultOutcome> InflictAsync(FaultScene scene)
    {
        await scene.WorkAsync(scene.Choose(FaultRole.Everybody).Id);
        var before = scene.Wire.View;
        var killed = scene.Now;
        await scene.Cluster.Broker.KillAsync();
        if (everythingLost)
            scene.Cluster.Broker.Forget();
        await scene.DelayAsync(scene.Between(0, 1));
        var started = scene.Now;
        await scene.Cluster.Broker.StartAsync(scene.Cancelled);
        var seconds = await scene.ProveAsync(
            v => everythingLost ? Recovery.IsRestored(v, before, started) : Recovery.IsServed(v, started), killed, Kind.Name);
        await scene.SettleAsync(started);
        return new FaultOutcome(null, seconds);
    }
}

/// <summary>SIGKILL of all nodes and the broker at once, and their start with what they have on their disks.</summary>
internal sealed class BlackoutFault(string name, int weight) : Fault(name, weight, FaultRole.Everybody)
{
    public override async Task<FaultOutcome> InflictAsync(FaultScene scene)
    {
        await scene.WorkAsync(scene.Choose(FaultRole.Everybody).Id);
        var before = scene.Wire.View;
        var killed = scene.Now;
        await Task.WhenAll(scene.Cluster.Nodes.Select(n => n.KillAsync()).Append(scene.Cluster.Broker.KillAsync()));
        await scene.Cluster.Broker.StartAsync(scene.Cancelled);
        foreach (var node in scene.Cluster.Nodes)
            node.Start();
        var seconds = await scene.ProveAsync(
            v => scene.Cluster.Nodes.All(n => Recovery.IsBack(v, n)) && Recovery.IsSucceeded(v, before.Claim?.Term ?? 0)
                && v.State is { } state && state.Sent >= killed && state.Run == before.State?.Run && state.Round >= before.State.Round,
            killed, Kind.Name);
        await scene.SettleAsync(default);
        return new FaultOutcome(null, seconds);
    }
}

using MantaLight.Cli.Chaos.Plan;
using MantaLight.Cli.Chaos.Watch;

namespace MantaLight.Cli.Chaos.Faults;

/// <summary>All connections of a node are reset after some more bytes: where blobs are under way, in the middle of a chunk.</summary>
internal sealed class CutFault(string name, int weight) : Fault(name, weight, FaultRole.Reader, atWork: true)
{
    private const long MostBytes = 2 << 20;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    public override async Task<FaultOutcome> InflictAsync(FaultScene scene)
    {
        var node = scene.ChooseOnTheLine();
        var coordinates = scene.Wire.View.Claim?.From == node.Id;
        var bytes = (long)(scene.Draw() * MostBytes);
        var cut = node.Door.CutAfter(bytes);
        var began = scene.Now;
        await scene.WorkAsync(node.Id, untilMoment: false);
        await Task.WhenAny(cut, scene.DelayAsync(Patience));
        var inTheMiddle = cut.IsCompleted;
        node.Door.Cut();
        var passed = await cut;
        var since = inTheMiddle ? began : scene.Now;
        // Its own presence comes again with the connection.
        var seconds = await scene.ProveAsync(v => Recovery.HasAnswered(v, node, since), since, $"{Kind.Name} of {node.Id} after {passed} bytes");
        await scene.SettleAsync(coordinates ? since : default);
        return new FaultOutcome(node.Id, seconds, inTheMiddle ? $"after {passed} bytes" : $"idle, after {passed} bytes", Idle: !inTheMiddle);
    }
}

/// <summary>Everything from and to a node, or to all of them, takes longer for a while.</summary>
internal sealed class LatencyFault(string name, int weight) : Fault(name, weight, FaultRole.Worker)
{
    public override async Task<FaultOutcome> InflictAsync(FaultScene scene)
    {
        var node = scene.Choose(FaultRole.Worker);
        var slowed = scene.Draw() < 0.5 ? scene.Cluster.Nodes : [node];
        var latency = scene.Between(0.05, 0.4);
        foreach (var slow in slowed)
            slow.Door.Latency = latency;
        try
        {
            await scene.WorkAsync(node.Id);
            var since = scene.Now;
            await scene.Wire.AskAsync(node.Id, scene.Cancelled);
            var seconds = await scene.ProveAsync(v => Recovery.HasAnswered(v, node, since), since, $"{Kind.Name} to {node.Id}");
            await scene.DelayAsync(scene.Between(0.3, 1));
            // Whatever it says crosses the wire slowly, the question as well as the answer.
            return new FaultOutcome(node.Id, seconds, $"{latency.TotalMilliseconds:F0} ms{(slowed.Length > 1 ? " for all nodes" : "")}", Idle: seconds < latency.TotalSeconds);
        }
        finally
        {
            foreach (var slow in slowed)
                slow.Door.Latency = TimeSpan.Zero;
        }
    }
}

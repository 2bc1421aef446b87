using MantaLight.Cli.Chaos.Plan;
using MantaLight.Cli.Chaos.Watch;
using MantaLight.Protocol;

namespace MantaLight.Cli.Chaos.Faults;

/// <summary>The disk of a node is full while it works; when there is room again, its work is done again.</summary>
internal sealed class DiskFault(string name, int weight) : Fault(name, weight, FaultRole.Writer, atWork: true)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    // Beside others, and after a start, work takes longer than alone.
    private const int Slowness = 3;

    public override async Task<FaultOutcome> InflictAsync(FaultScene scene)
    {
        var node = scene.Choose(FaultRole.Writer);
        var place = new Place(scene.Round, scene.Alias, node.Id);
        scene.Cluster.Disks!.Fill(node.StateFolder);
        var filled = scene.Now;
        bool noticed;
        DateTimeOffset freed;
        try
        {
            noticed = await scene.WorkAsync(node.Id, untilMoment: false)
                && await scene.SeeAsync(v => v.IsPast(place.Round, place.Alias) || v.SaidSince(place, filled) is TaskFailed or TaskCompleted, Patience + (Slowness * scene.Work.Longest))
                && scene.Wire.View.SaidSince(place, filled) is TaskFailed;
        }
        finally
        {
            freed = scene.Now;
            scene.Cluster.Disks!.Empty(node.StateFolder);
        }
        var seconds = await scene.ProveAsync(
            v => v.IsPast(place.Round, place.Alias) || v.Updates.GetValueOrDefault(place) is TaskAccepted or TaskRunning or TaskCompleted, freed, $"{Kind.Name} of {node.Id}");
        await scene.SettleAsync(default);
        return new FaultOutcome(node.Id, seconds, noticed ? "the attempt failed" : "nothing was written meanwhile", Idle: !noticed);
    }
}

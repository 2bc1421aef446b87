using MantaLight.Cli.Chaos.Plan;
using MantaLight.Cli.Chaos.Watch;
using MantaLight.Protocol;

namespace MantaLight.Cli.Chaos.Faults;

/// <summary>SIGKILL of a node's process, and its start with what it has on its disk: at once, or when others have taken its place.</summary>
internal sealed class KillFault(string name, int weight, FaultRole role) : Fault(name, weight, role, kills: true)
{
    private static readonly TimeSpan LongestAway = TimeSpan.FromSeconds(20);

    private readonly FaultRole role = role;

    public override async Task<FaultOutcome> InflictAsync(FaultScene scene)
    {
        var node = scene.Choose(role);
        await scene.WorkAsync(node.Id);
        // The seat may have moved meanwhile; who was let work is the one that dies.
        if (role == FaultRole.Coordinator && !scene.IsAtWork)
            node = scene.Choose(role);
        var before = scene.Wire.View;
        var incarnation = before.Nodes.GetValueOrDefault(node.Id)?.Incarnation ?? "";
        var place = new Place(scene.Round, scene.Alias, node.Id);
        var hadWork = before.Open(place.Round, place.Alias).Contains(node.Id);
        var term = before.Claim?.From == node.Id ? before.Claim.Term : (long?)null;
        var killed = scene.Now;
        await node.KillAsync();

        // A worker's work waits for it; other roles are taken over by those who stay.
        var away = role != FaultRole.Worker && scene.Draw() < 0.5;
        Func<WireView, bool> proof = role switch
        {
            FaultRole.Coordinator when term is { } held => v => Recovery.IsSucceeded(v, held),
            FaultRole.Coordinator => v => Recovery.IsBack(v, node),
            FaultRole.Worker => v => hadWork ? Recovery.WorksAgain(v, node, place) : Recovery.IsBack(v, node),
            _ => v => Recovery.IsTakenUp(v, place.Round, place.Alias, incarnation, killed),
        };
        if (away)
            await scene.SeeAsync(v => proof(v) || v.State?.Status.IsFinal() == true, LongestAway);
        else
            await scene.DelayAsync(scene.Between(0, 1.5));
        node.Start();
        var seconds = await scene.ProveAsync(proof, killed, $"{Kind.Name} of {node.Id} (round {place.Round}, {place.Alias})");
        await scene.SettleAsync(default);
        var isIdle = role == FaultRole.Coordinator && term is null;
        return new FaultOutcome(node.Id, isIdle ? null : seconds, isIdle ? "idle, nobody coordinated" : Note(away, term is not null && role != FaultRole.Coordinator), isIdle);
    }

    private static string? Note(bool away, bool coordinated) => (away, coordinated) switch
    {
        (true, true) => "which coordinated as well, away until its place was taken",
        (true, false) => "away until its place was taken",
        (false, true) => "which coordinated as well",
        _ => null,
    };
}

using MantaLight.Coordination;
using MantaLight.Protocol;

namespace MantaLight.Nodes;

/// <summary>Members that know more than a coordinator has begun with say so: another one begins with that.</summary>
internal sealed class Objections(SeatContext context, string swarm, long term)
{
    private SwarmState? told;
    private long toldTerm = -1;

    /// <summary>Takes what a member has kept, and tells the node of it where it counts more than the run that is coordinated.</summary>
    public void Hear(Recollection kept, long size, CoordinatorState coordinated)
    {
        if (kept.State is not { } known)
            return;
        // Of whatever run: who has obeyed a higher authority does not obey this one.
        var outranks = Authority.Compare(known, term, context.Settings.Id) > 0;
        var isLater = known.Definition == coordinated.Run.Definition && known.Status != RunStatus.Superseded
            && Inheritance.Progress(known).CompareTo((coordinated.Run.Start, coordinated.Round, false, Inheritance.CommitsOf(coordinated.Globals.Values))) > 0;
        // Very many may say the same.
        if (((outranks && known.Term > toldTerm) || (isLater && (told is null || Inheritance.Order(known).CompareTo(Inheritance.Order(told)) > 0)))
            && context.Offer(new NodeEvent.Recollected(swarm, kept), size))
        {
            told = isLater ? known : told;
            toldTerm = Math.Max(toldTerm, known.Term);
        }
    }
}

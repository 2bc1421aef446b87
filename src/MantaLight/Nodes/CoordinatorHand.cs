using MantaLight.Coordination;
using MantaLight.Protocol;

namespace MantaLight.Nodes;

/// <summary>Does what a <see cref="CoordinatorMachine"/> asks, in order.</summary>
internal sealed class CoordinatorHand(SeatContext context, CoordinatorWire wire, GlobalRepair repair, RunConclusion conclusion, long term)
{
    private readonly Topics topics = context.Settings.Topics;

    /// <summary>Does all of it, until the broker has it; false where the last word was among it.</summary>
    public async Task<bool> DoAsync(IReadOnlyList<CoordinatorAction> actions, SwarmBook book, RunId run, CancellationToken cancellationToken)
    {
        try
        {
            foreach (var action in actions)
            {
                // Nothing may follow the last word.
                if (action is CoordinatorAction.Leave)
                    return false;
                await DoAsync(action, book, run, cancellationToken);
            }
            return true;
        }
        finally
        {
            await wire.FlushAsync();
        }
    }

    private async Task DoAsync(CoordinatorAction action, SwarmBook book, RunId run, CancellationToken cancellationToken)
    {
        switch (action)
        {
            case CoordinatorAction.PublishState { State.Status: RunStatus.Completed or RunStatus.Stopped or RunStatus.Failed } a:
                await conclusion.EndAsync(a.State, cancellationToken);
                break;
            case CoordinatorAction.PublishState a:
                await wire.CommitAsync(a.State, cancellationToken);
                break;
            case CoordinatorAction.PublishGlobal a:
                if (a.Global.Content.Blob is { } blob)
                    repair.Keep(blob);
                await wire.PostAsync(topics.Global(wire.Swarm, a.Global.Tag), new GlobalValue { Run = run.ToString(), Term = term, Global = a.Global }, retain: true, cancellationToken);
                break;
            case CoordinatorAction.Schedule a:
                await wire.PostAsync(topics.Schedule(wire.Swarm, a.Node), a.Message, retain: false, cancellationToken);
                break;
            case CoordinatorAction.Cancel a:
                await wire.PostAsync(topics.Inbox(a.Node), a.Message, retain: false, cancellationToken);
                break;
            case CoordinatorAction.FetchAhead a:
                await wire.HintAsync(topics.Inbox(a.Node), a.Message, cancellationToken);
                break;
            case CoordinatorAction.CallRoll a:
                await wire.PostAsync(topics.Inbox(a.Node), a.Message, retain: false, cancellationToken);
                break;
            case CoordinatorAction.ClearBlob a:
                wire.ClearBlob(a.Blob);
                break;
            case CoordinatorAction.ClearGlobal a:
                await wire.ClearAsync(topics.Global(wire.Swarm, a.Tag), cancellationToken);
                break;
            case CoordinatorAction.Remove:
                await conclusion.RemoveAsync(book, wire.Final, cancellationToken);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(action), action, null);
        }
    }
}

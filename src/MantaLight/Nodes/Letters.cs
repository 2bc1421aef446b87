using MantaLight.Blobs;
using MantaLight.Diagnostics;
using MantaLight.Protocol;

namespace MantaLight.Nodes;

/// <summary>Opens what comes to a node's inbox, and hands it to whom it concerns. Called by the node's loop alone.</summary>
/// <param name="swarms">The node's swarms.</param>
/// <param name="server">Serves chunks.</param>
/// <param name="inbox">Waits for chunks.</param>
/// <param name="drops">Counts what is none of a node's letters.</param>
/// <param name="answer">Says that the node is there, in answer to a question's id.</param>
internal sealed class Letters(SwarmTable swarms, BlobServer server, ChunkInbox inbox, Drops drops, Action<string> answer)
{
    public void Open(string topic, ControlMessage letter)
    {
        switch (letter)
        {
            case AreYouThere question:
                answer(question.Id);
                break;
            case RollCall call when Identifier.IsValid(call.Swarm):
                swarms.Find(call.Swarm)?.RollCalled(call);
                break;
            case Recall recall when Identifier.IsValid(recall.Swarm):
                swarms.Find(recall.Swarm)?.Recalled();
                break;
            case CancelAttempt cancel when Identifier.IsValid(cancel.Swarm):
                swarms.Find(cancel.Swarm)?.Cancel(cancel);
                break;
            case FetchAhead order when order.IsSound():
                swarms.Find(order.Swarm)?.FetchAhead(order);
                break;
            case BlobRequest request when request.IsSound():
                server.Ask(request);
                break;
            case BlobRefusal refusal:
                inbox.Refuse(refusal.From, refusal.Hash, refusal.Reason);
                break;
            case RollCall or Recall or CancelAttempt:
                drops.Malformed(topic, "no swarm id");
                break;
            case FetchAhead:
                drops.Malformed(topic, "results to come whose parts cannot be");
                break;
            case BlobRequest:
                drops.Malformed(topic, "a request for chunks whose parts cannot be");
                break;
            default:
                drops.Malformed(topic, $"a {letter.GetType().Name} in an inbox");
                break;
        }
    }
}

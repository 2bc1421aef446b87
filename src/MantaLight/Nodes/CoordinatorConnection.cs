using MantaLight.Messaging;

namespace MantaLight.Nodes;

/// <summary>
/// A coordinator's connection. What the broker refuses for a quota or a rate, which pass, is no fault of the run: it is as good as a
/// connection that is lost, and whoever is elected next begins again.
/// </summary>
internal sealed class CoordinatorConnection(IBrokerConnection inner) : PassingConnection(inner)
{
    public override async ValueTask PublishAsync(OutboundMessage message, CancellationToken cancellationToken)
    {
        try
        {
            await base.PublishAsync(message, cancellationToken);
        }
        catch (BrokerRefusedException e) when (message.Payload.Length <= Limits.MaximumPayload)
        {
            throw new BrokerConnectionLostException(e.Message, e);
        }
    }
}

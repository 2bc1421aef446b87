using System.Text;
using MantaLight.Messaging;

namespace MantaLight.Mqtt.Connections;

/// <summary>A publish that waits for its turn; it can be cancelled until it is handed to the socket.</summary>
internal sealed class OutgoingPublish
{
    private const int Waiting = 0, Started = 1, Cancelled = 2;

    private readonly TaskCompletionSource done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenRegistration registration;
    private int state;

    // Observed before anybody else has it: whoever takes it up takes that back, or a token that lives long would keep each message.
    public OutgoingPublish(OutboundMessage message, CancellationToken cancellationToken)
    {
        Message = message;
        registration = cancellationToken.UnsafeRegister(static (self, token) => ((OutgoingPublish)self!).TryCancel(token), this);
    }

    public OutboundMessage Message { get; }

    public Task Done => done.Task;

    /// <summary>The size of the whole MQTT 5 packet, in bytes.</summary>
    public static long PacketSize(in OutboundMessage message)
    {
        // Topic with its length, packet identifier with QoS 1, an empty list of properties.
        var remaining = 2 + Encoding.UTF8.GetByteCount(message.Topic) + (message.Delivery == Delivery.AtLeastOnce ? 2 : 0) + 1 + message.Payload.Length;
        var lengthBytes = remaining < 128 ? 1 : remaining < 16_384 ? 2 : remaining < 2_097_152 ? 3 : 4;
        return 1 + lengthBytes + remaining;
    }

    /// <summary>Whether it is to be sent; from here on it can no longer be cancelled, since the payload is being read.</summary>
    public bool TryStart()
    {
        registration.Unregister();
        return Interlocked.CompareExchange(ref state, Started, Waiting) == Waiting;
    }

    /// <summary>Nobody is going to send it.</summary>
    public void Abandon() => registration.Unregister();

    public void Complete() => done.TrySetResult();

    public void Fail(Exception problem)
    {
        registration.Unregister();
        done.TrySetException(problem);
    }

    private void TryCancel(CancellationToken token)
    {
        if (Interlocked.CompareExchange(ref state, Cancelled, Waiting) == Waiting)
            done.TrySetCanceled(token);
    }
}

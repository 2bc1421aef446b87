using System.Threading.Tasks.Sources;
using MantaLight.Messaging;

namespace MantaLight.Mqtt.Connections;

/// <summary>
/// A publish that waits for its turn and then for its acknowledgement; it can be cancelled until it is handed to the socket. It is used again when both its caller
/// and the link have let go of it.
/// </summary>
internal sealed class OutgoingPublish(OutgoingPublishes pool) : IValueTaskSource
{
    private const int Waiting = 0, Started = 1, Cancelled = 2;
    private const int Written = 1, Answered = 2;

    private ManualResetValueTaskSourceCore<bool> done = new() { RunContinuationsAsynchronously = true };
    private CancellationTokenRegistration registration;
    private Exception? refusal;
    private int state;
    private int progress;
    private int holders;

    public OutboundMessage Message { get; private set; }

    /// <summary>Its place among those that wait for the broker.</summary>
    public PendingAcknowledgements.Request Acknowledgement { get; } = new(inOrder: true);

    /// <summary>Its packet identifier, where it has one.</summary>
    public ushort Identifier { get; set; }

    /// <summary>Completes when it is acknowledged, or will not be; awaited once.</summary>
    public ValueTask Done => new(this, done.Version);

    // Observed before anybody else has it: whoever takes it up takes that back, or a token that lives long would keep each message.
    public void Begin(in OutboundMessage message, CancellationToken cancellationToken)
    {
        (Message, refusal, state, progress, holders, Identifier) = (message, null, Waiting, 0, 2, 0);
        done.Reset();
        registration = cancellationToken.UnsafeRegister(static (self, token) => ((OutgoingPublish)self!).TryCancel(token), this);
    }

    /// <summary>Whether it is to be sent; from here on it can no longer be cancelled, since the payload is being read.</summary>
    public bool TryStart()
    {
        // Waits for a cancellation that is just being said: afterwards it may be another publish's.
        registration.Dispose();
        return Interlocked.CompareExchange(ref state, Started, Waiting) == Waiting;
    }

    /// <summary>Its payload is read no more.</summary>
    public void MarkWritten() => Progress(Written);

    /// <summary>The broker has answered.</summary>
    /// <param name="problem">What it refuses it with.</param>
    public void MarkAnswered(Exception? problem)
    {
        refusal = problem;
        Progress(Answered);
    }

    /// <summary>It will not be sent, or not be answered.</summary>
    public void Fail(Exception problem)
    {
        if (!TryStart() && state == Cancelled)
        {
            Release();
            return;
        }
        done.SetException(problem);
        Release();
    }

    /// <summary>The link has no more to do with it.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref holders) > 0)
            return;
        Message = default;
        pool.Return(this);
    }

    void IValueTaskSource.GetResult(short token)
    {
        try
        {
            done.GetResult(token);
        }
        finally
        {
            Release();
        }
    }

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => done.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        done.OnCompleted(continuation, state, token, flags);

    // A broker that answers what it cannot have yet does not make its caller take the memory back.
    private void Progress(int step)
    {
        if ((Interlocked.Or(ref progress, step) | step) != (Written | Answered))
            return;
        if (refusal is { } problem)
            done.SetException(problem);
        else
            done.SetResult(true);
        Release();
    }

    private void TryCancel(CancellationToken token)
    {
        if (Interlocked.CompareExchange(ref state, Cancelled, Waiting) == Waiting)
            done.SetException(new OperationCanceledException(token));
    }
}

using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using MantaLight.Concurrency;
using MantaLight.Messaging;

namespace MantaLight.Mqtt.Connections;

/// <summary>
/// The writing side of one link. One loop writes: acknowledgements and the library's packets as soon as they are there, publishes in the order of the calls, with
/// never more unanswered than the window (QoS 0 needs none but keeps its place). What is small goes out together; nothing is allocated for a publish.
/// </summary>
internal sealed class PacketWriter(PendingAcknowledgements pending, TrafficCounter traffic, Func<OutgoingPublish, Exception> down, CancellationToken alive)
{
    /// <summary>The most messages that can be on their way unacknowledged.</summary>
    public const int MostIdentifiers = ushort.MaxValue;

    private const int DisconnectType = 14;

    private readonly ConcurrentQueue<OutgoingPublish> publishes = new();
    private readonly ConcurrentQueue<ushort> acknowledgements = new();
    private readonly ConcurrentQueue<Packet> packets = new();
    private readonly Signal signal = new();
    private readonly TaskCompletionSource drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private PublishWindow window = new(1);
    private OutgoingPublish? next;
    private bool saidGoodbye;
    private volatile bool takesNoMore;
    private volatile bool hasEnded;

    /// <summary>Completes, without an error, when nothing will be written any more.</summary>
    public Task Finished { get; private set; } = Task.CompletedTask;

    /// <summary>Begins to write to a stream.</summary>
    /// <param name="stream">Where to.</param>
    /// <param name="broke">Is told why it cannot be written to.</param>
    public void Start(Stream stream, Action<Exception> broke) => Finished = RunAsync(stream, broke);

    /// <summary>Says how many publishes the broker takes unanswered, before the first.</summary>
    public void Open(int size)
    {
        window = new PublishWindow(size);
        signal.Set();
    }

    /// <returns>False when the link is down or closing.</returns>
    public bool TryPublish(OutgoingPublish publish)
    {
        if (takesNoMore || hasEnded)
            return false;
        publishes.Enqueue(publish);
        signal.Set();
        // It may have ended in between.
        if (hasEnded)
            FailWaiting();
        return true;
    }

    /// <summary>Acknowledges a message that has come.</summary>
    /// <returns>False when as many wait to be acknowledged as there are identifiers (MQTT 5, 2.2.1): the broker does not read what it is sent.</returns>
    public bool TryAcknowledge(ushort identifier)
    {
        // Not our Receive Maximum: mosquitto replays what it retains without regard for it, and is right soon after.
        if (acknowledgements.Count >= MostIdentifiers)
            return false;
        acknowledgements.Enqueue(identifier);
        signal.Set();
        return true;
    }

    /// <summary>Sends a packet of the library's.</summary>
    /// <exception cref="IOException">The link is down.</exception>
    public Task SendAsync(byte[] bytes)
    {
        var packet = new Packet(bytes, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        packets.Enqueue(packet);
        signal.Set();
        if (hasEnded)
            FailWaiting();
        return packet.Sent.Task;
    }

    /// <summary>Takes the publish that the broker has answered; null where it is none that waits.</summary>
    public OutgoingPublish? Answered(ushort identifier)
    {
        if (window.Take(identifier) is not { } publish)
            return null;
        pending.Remove(publish.Acknowledgement);
        signal.Set();
        return publish;
    }

    /// <summary>Takes no more publishes.</summary>
    public void Complete()
    {
        takesNoMore = true;
        signal.Set();
    }

    /// <summary>Takes no more, and waits until all that was taken is acknowledged.</summary>
    public Task DrainAsync(CancellationToken cancellationToken)
    {
        Complete();
        return drained.Task.WaitAsync(cancellationToken);
    }

    private async Task RunAsync(Stream stream, Action<Exception> broke)
    {
        using var ending = alive.UnsafeRegister(static signal => ((Signal)signal!).Set(), signal);
        var output = new GatheredWrites(stream, alive);
        try
        {
            while (!alive.IsCancellationRequested && !saidGoodbye)
            {
                if (acknowledgements.TryDequeue(out var identifier))
                    await AcknowledgeAsync(output, identifier);
                else if (packets.TryDequeue(out var packet))
                    await WriteAsync(output, packet);
                else if (TryTakePublish() is { } publish)
                    await WriteAsync(output, publish);
                else if (output.HasSome)
                    await output.FlushAsync();
                else
                    await WaitAsync();
            }
        }
        catch (Exception problem)
        {
            broke(problem);
        }
        finally
        {
            End();
        }
    }

    private void End()
    {
        hasEnded = true;
        while (window.TakeAny() is { } unanswered)
            unanswered.Fail(down(unanswered));
        next?.Fail(down(next));
        FailWaiting();
        // Nothing of it is on its way any more: who closes what is lost need not wait.
        drained.TrySetResult();
    }

    private ValueTask WaitAsync()
    {
        if (takesNoMore && next is null && publishes.IsEmpty && window.Count == 0)
            drained.TrySetResult();
        return signal.WaitAsync();
    }

    private OutgoingPublish? TryTakePublish()
    {
        while (next is not null || publishes.TryDequeue(out next))
        {
            if (next.Message.Delivery == Delivery.AtLeastOnce && !window.HasRoom)
                return null;
            var taken = next;
            next = null;
            if (taken.TryStart())
                return taken;
            taken.Release();
        }
        return null;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask WriteAsync(GatheredWrites output, OutgoingPublish publish)
    {
        var message = publish.Message;
        traffic.CountSent(message.Name, message.Payload.Length);
        if (message.Delivery == Delivery.AtLeastOnce)
        {
            pending.Add(publish.Acknowledgement);
            window.Add(publish);
        }
        else
        {
            // Sent is all that it ever is.
            publish.MarkAnswered(null);
        }
        try
        {
            var most = PublishPacket.MostHeader(message);
            if (most <= GatheredWrites.Capacity)
            {
                var header = await output.RoomAsync(most);
                output.Advance(PublishPacket.WriteHeader(message, publish.Identifier, header.Span));
            }
            else
            {
                var header = new byte[most];
                await output.WriteAsync(header.AsMemory(0, PublishPacket.WriteHeader(message, publish.Identifier, header)));
            }
            foreach (var segment in message.Payload)
                await output.WriteAsync(segment);
        }
        finally
        {
            // Whether or not it was sent: it is read no more, and what the broker has not answered fails with the link.
            publish.MarkWritten();
        }
    }

    private async ValueTask WriteAsync(GatheredWrites output, Packet packet)
    {
        try
        {
            await output.WriteAsync(packet.Bytes);
            await output.FlushAsync();
            // Nothing may follow it (MQTT 5, 3.14.4).
            saidGoodbye = packet.Bytes[0] >> 4 == DisconnectType;
            packet.Sent.TrySetResult();
        }
        catch (Exception problem)
        {
            packet.Sent.TrySetException(problem);
            throw;
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private static async ValueTask AcknowledgeAsync(GatheredWrites output, ushort identifier)
    {
        var room = await output.RoomAsync(PublishPacket.AcknowledgementSize);
        PublishPacket.WriteAcknowledgement(identifier, room.Span);
        output.Advance(PublishPacket.AcknowledgementSize);
    }

    private void FailWaiting()
    {
        while (publishes.TryDequeue(out var left))
            left.Fail(down(left));
        while (packets.TryDequeue(out var packet))
            packet.Sent.TrySetException(new IOException("The connection is closed."));
    }

    private sealed record Packet(byte[] Bytes, TaskCompletionSource Sent);
}

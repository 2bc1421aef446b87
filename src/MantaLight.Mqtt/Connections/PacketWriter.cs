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
    private readonly ConcurrentQueue<OutgoingPublish> publishes = new();
    private readonly ConcurrentQueue<ushort> acknowledgements = new();
    private readonly ConcurrentQueue<Packet> packets = new();
    private readonly Signal signal = new();
    private readonly TaskCompletionSource drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly byte[] pieces = new byte[16 * 1024];
    private PublishWindow window = new(1);
    private OutgoingPublish? next;
    private int held;
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
    public void Acknowledge(ushort identifier)
    {
        acknowledgements.Enqueue(identifier);
        signal.Set();
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
        try
        {
            while (!alive.IsCancellationRequested)
            {
                if (acknowledgements.TryDequeue(out var identifier))
                    await AcknowledgeAsync(stream, identifier);
                else if (packets.TryDequeue(out var packet))
                    await WriteAsync(stream, packet);
                else if (TryTakePublish() is { } publish)
                    await WriteAsync(stream, publish);
                else if (held > 0)
                    await FlushAsync(stream);
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
    private async ValueTask WriteAsync(Stream stream, OutgoingPublish publish)
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
            next = publish;
        }
        try
        {
            await AppendAsync(stream, message, publish.Identifier);
        }
        catch
        {
            // It is read no more; whoever finds it in the window, or as the next one, fails it.
            if (next is null)
                publish.MarkWritten();
            throw;
        }
        if (next is not null)
            publish.MarkAnswered(null);
        next = null;
        publish.MarkWritten();
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask AppendAsync(Stream stream, OutboundMessage message, ushort identifier)
    {
        var header = PublishPacket.MostHeader(message);
        if (held + header > pieces.Length)
            await FlushAsync(stream);
        if (header > pieces.Length)
        {
            var longer = new byte[header];
            await stream.WriteAsync(longer.AsMemory(0, PublishPacket.WriteHeader(message, identifier, longer)), alive);
        }
        else
        {
            held += PublishPacket.WriteHeader(message, identifier, pieces.AsSpan(held));
        }
        foreach (var segment in message.Payload)
            await AppendAsync(stream, segment);
    }

    /// <summary>Copies what is small; of what is large only as much as goes out with what is held, and writes the rest from where it is.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask AppendAsync(Stream stream, ReadOnlyMemory<byte> bytes)
    {
        var room = Math.Min(pieces.Length - held, bytes.Length);
        bytes.Span[..room].CopyTo(pieces.AsSpan(held));
        held += room;
        if (room == bytes.Length)
            return;
        await FlushAsync(stream);
        if (bytes.Length - room > pieces.Length)
            await stream.WriteAsync(bytes[room..], alive);
        else
            await AppendAsync(stream, bytes[room..]);
    }

    private async ValueTask WriteAsync(Stream stream, Packet packet)
    {
        try
        {
            await AppendAsync(stream, packet.Bytes);
            await FlushAsync(stream);
            packet.Sent.TrySetResult();
        }
        catch (Exception problem)
        {
            packet.Sent.TrySetException(problem);
            throw;
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask AcknowledgeAsync(Stream stream, ushort identifier)
    {
        if (held + PublishPacket.AcknowledgementSize > pieces.Length)
            await FlushAsync(stream);
        PublishPacket.WriteAcknowledgement(identifier, pieces.AsSpan(held));
        held += PublishPacket.AcknowledgementSize;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask FlushAsync(Stream stream)
    {
        await stream.WriteAsync(pieces.AsMemory(0, held), alive);
        held = 0;
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

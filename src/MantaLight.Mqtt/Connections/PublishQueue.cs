using System.Threading.Channels;
using MantaLight.Messaging;

namespace MantaLight.Mqtt.Connections;

/// <summary>
/// The publishes of one link: started in the order of the calls, with never more unacknowledged than the window. QoS 0
/// needs no window but keeps its place in the order.
/// </summary>
#pragma warning disable CA1001 // A semaphore whose wait handle is never asked for holds nothing to dispose.
internal sealed class PublishQueue(Func<OutgoingPublish, Task> send, Func<OutgoingPublish, Exception> down, CancellationToken alive)
#pragma warning restore CA1001
{
    private readonly Channel<OutgoingPublish> waiting = Channel.CreateUnbounded<OutgoingPublish>(new() { SingleReader = true });
    private SemaphoreSlim window = new(1);
    private int windowSize = 1;

    /// <summary>Completes, without an error, when nothing will be started any more.</summary>
    public Task Finished { get; private set; } = Task.CompletedTask;

    public void Start(int size)
    {
        (window, windowSize) = (new SemaphoreSlim(size), size);
        Finished = RunAsync();
    }

    /// <returns>False when the link is down or closing.</returns>
    public bool TryAdd(OutgoingPublish publish) => waiting.Writer.TryWrite(publish);

    public void Complete() => waiting.Writer.TryComplete();

    /// <summary>Takes no more, and waits until all that was taken is acknowledged.</summary>
    public async Task DrainAsync(CancellationToken cancellationToken)
    {
        Complete();
        await Finished.WaitAsync(cancellationToken);
        for (var i = 0; i < windowSize; i++)
            await window.WaitAsync(cancellationToken);
    }

    private async Task RunAsync()
    {
        try
        {
            await foreach (var publish in waiting.Reader.ReadAllAsync(alive))
                await StartAsync(publish);
        }
        catch (OperationCanceledException)
        {
        }

        while (waiting.Reader.TryRead(out var left))
            left.Fail(down(left));
    }

    private async Task StartAsync(OutgoingPublish publish)
    {
        if (publish.Message.Delivery == Delivery.AtMostOnce)
        {
            if (publish.TryStart())
                await send(publish);
            return;
        }

        try
        {
            await window.WaitAsync(alive);
        }
        catch (OperationCanceledException)
        {
            publish.Fail(down(publish));
            throw;
        }

        // Starting the sends one after the other keeps the order; each caller awaits the end of its own.
        if (publish.TryStart())
            _ = SendInWindowAsync(publish);
        else
            window.Release();
    }

    private async Task SendInWindowAsync(OutgoingPublish publish)
    {
        try
        {
            await send(publish);
        }
        finally
        {
            window.Release();
        }
    }
}

using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using MantaLight.Messaging;
using MantaLight.Storage;

namespace MantaLight.Blobs;

/// <summary>
/// Sends chunks of blobs with as many under way as the broker takes, whichever blobs they are of: what was sent before need not be acknowledged for the next to go.
/// For one caller at a time.
/// </summary>
internal sealed class ChunkSender(IBrokerConnection connection) : IAsyncDisposable
{
    // One place for each that is under way: nothing is made for a chunk.
    private readonly ValueTask[] sent = new ValueTask[BrokerLimits.MaximumWindow];
    private readonly byte[]?[] buffers = new byte[BrokerLimits.MaximumWindow][];
    // Of places, round and round: they may wrap, as there are a power of two.
    private uint oldest;
    private uint next;
    private ExceptionDispatchInfo? problem;

    private uint UnderWay => next - oldest;

    /// <summary>Sends a part of a file; it is on its way when this returns. What became of others is not told here.</summary>
    /// <exception cref="MantaLightException">It could not be sent.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public async ValueTask SendAsync(DiskFile file, long offset, int length, TopicName topic, bool retain, CancellationToken cancellationToken)
    {
        while (UnderWay >= connection.Limits.Window)
            await SettleAsync();
        var place = Place(next);
        if (buffers[place] is not { } buffer || buffer.Length < length)
        {
            Return(place);
            buffers[place] = buffer = ArrayPool<byte>.Shared.Rent(length);
        }
        ReadExactly(file, buffer.AsSpan(0, length), offset);
#pragma warning disable CA2012 // Each is awaited once, when its place is needed or at the end.
        sent[place] = connection.PublishAsync(new OutboundMessage(topic, buffer.AsMemory(0, length), retain), cancellationToken);
#pragma warning restore CA2012
        next++;
    }

    /// <summary>Waits until all have arrived, and gives the memory back.</summary>
    /// <exception cref="MantaLightException">One has not.</exception>
    public async Task FinishAsync()
    {
        await DisposeAsync();
        ThrowWhatFailed();
    }

    /// <summary>Says what has failed of what was sent before, once.</summary>
    /// <exception cref="MantaLightException">Something has.</exception>
    public void ThrowWhatFailed()
    {
        var failed = problem;
        problem = null;
        failed?.Throw();
    }

    /// <summary>Waits for what is under way, whatever becomes of it: it is read until then.</summary>
    public async ValueTask DisposeAsync()
    {
        while (UnderWay > 0)
            await SettleAsync();
        for (var place = 0; place < buffers.Length; place++)
            Return(place);
    }

    /// <summary>Fills memory from a file.</summary>
    /// <exception cref="EndOfStreamException">The file has an end before.</exception>
    public static void ReadExactly(DiskFile file, Span<byte> target, long offset)
    {
        for (var read = 0; read < target.Length;)
        {
            var count = file.Read(offset + read, target[read..]);
            if (count == 0)
                throw new EndOfStreamException("A blob's file is shorter than it was.");
            read += count;
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask SettleAsync()
    {
        try
        {
            await sent[Place(oldest++)];
        }
        catch (Exception e)
        {
            // Told when all that failed with it are settled: the same loss has ended them.
            problem ??= ExceptionDispatchInfo.Capture(e);
        }
    }

    private static int Place(uint number) => (int)(number % BrokerLimits.MaximumWindow);

    private void Return(int place)
    {
        if (buffers[place] is { } buffer)
            ArrayPool<byte>.Shared.Return(buffer);
        buffers[place] = null;
    }
}

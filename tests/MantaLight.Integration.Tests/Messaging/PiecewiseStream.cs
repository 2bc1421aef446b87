namespace MantaLight.Integration.Tests.Messaging;

/// <summary>Gives bytes in pieces, as a network may, and then ends; notes what is written, piece by piece.</summary>
internal sealed class PiecewiseStream(byte[] bytes, Func<int> piece) : Stream
{
    private int position;
    private int written;

    public List<byte[]> Written { get; } = [];

    /// <summary>How many bytes have been written since the beginning.</summary>
    public int BytesWritten => Volatile.Read(ref written);

    /// <summary>Completes when the first write has begun.</summary>
    public TaskCompletionSource Begun { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>What a write waits for.</summary>
    public Task Gate { get; set; } = Task.CompletedTask;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        Assert.False(buffer.IsEmpty);
        // Now and then what is asked for is not there yet.
        if (position % 3 == 0)
            await Task.Yield();
        var length = Math.Min(Math.Min(buffer.Length, piece()), bytes.Length - position);
        bytes.AsMemory(position, length).CopyTo(buffer);
        position += length;
        return length;
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        Begun.TrySetResult();
        await Gate.WaitAsync(cancellationToken);
        Written.Add(buffer.ToArray());
        Interlocked.Add(ref written, buffer.Length);
    }

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}

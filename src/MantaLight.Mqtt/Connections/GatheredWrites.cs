using System.Runtime.CompilerServices;

namespace MantaLight.Mqtt.Connections;

/// <summary>
/// Writes to a stream what belongs together in as few pieces as can be: by themselves a header and its payload, or a dozen acknowledgements, are as many calls of the
/// system, segments on the line and wakings of the broker. It has one caller.
/// </summary>
internal sealed class GatheredWrites(Stream stream, CancellationToken cancellationToken)
{
    /// <summary>The most that is held.</summary>
    public const int Capacity = 16 * 1024;

    private readonly byte[] pieces = new byte[Capacity];
    private int held;

    /// <summary>Whether something has been taken that is not written yet.</summary>
    public bool HasSome => held > 0;

    /// <summary>Where so many bytes, <see cref="Capacity"/> at most, can be put; <see cref="Advance"/> then says how many were.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<Memory<byte>> RoomAsync(int count)
    {
        if (held + count > Capacity)
            await FlushAsync();
        return pieces.AsMemory(held);
    }

    /// <summary>So many bytes were put where there was room.</summary>
    public void Advance(int count) => held += count;

    /// <summary>Copies what is small; of what is large only as much as goes out with what is held, and writes the rest from where it is.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes)
    {
        bytes = Take(bytes);
        if (bytes.IsEmpty)
            return;
        await FlushAsync();
        if (bytes.Length > Capacity)
            await stream.WriteAsync(bytes, cancellationToken);
        else
            Take(bytes);
    }

    /// <summary>Writes what is held.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public async ValueTask FlushAsync()
    {
        await stream.WriteAsync(pieces.AsMemory(0, held), cancellationToken);
        held = 0;
    }

    private ReadOnlyMemory<byte> Take(ReadOnlyMemory<byte> bytes)
    {
        var room = Math.Min(Capacity - held, bytes.Length);
        bytes[..room].CopyTo(pieces.AsMemory(held));
        held += room;
        return bytes[room..];
    }
}

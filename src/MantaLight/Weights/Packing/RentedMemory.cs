using System.Buffers;
using System.Runtime.InteropServices;

namespace MantaLight.Weights.Packing;

/// <summary>Memory of the shared pool, for several arrays; it goes back when their owner is disposed, and is not cleared.</summary>
internal sealed class RentedMemory : IDisposable
{
    private List<byte[]>? rented = [];

    /// <summary>That many bytes, of any content.</summary>
    public Memory<byte> Take(int length)
    {
        if (length == 0)
            return default;
        var memory = ArrayPool<byte>.Shared.Rent(length);
        (rented ?? throw new ObjectDisposedException(nameof(RentedMemory))).Add(memory);
        return memory.AsMemory(0, length);
    }

    /// <summary>That many elements, of any content.</summary>
    public Span<T> Take<T>(int count)
        where T : unmanaged =>
        MemoryMarshal.Cast<byte, T>(Take(checked(count * Marshal.SizeOf<T>())).Span);

    public void Dispose()
    {
        foreach (var memory in Interlocked.Exchange(ref rented, null) ?? [])
            ArrayPool<byte>.Shared.Return(memory);
    }
}

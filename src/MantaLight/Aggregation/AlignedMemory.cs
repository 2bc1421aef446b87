using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace MantaLight.Aggregation;

/// <summary>
/// Zeroed memory outside of the managed heap, aligned to 64 bytes: as large as sums of a whole model are, it goes back when it is disposed, not when
/// a collection finds it.
/// </summary>
internal sealed unsafe class AlignedMemory : MemoryManager<byte>
{
    private const nuint Alignment = 64;

    private readonly nuint length;
    private void* allocation;
    private byte* start;

    /// <param name="length">Bytes; more than 2^31 are possible, where they are used as wider elements.</param>
    /// <exception cref="OutOfMemoryException">There is not so much.</exception>
    public AlignedMemory(long length)
    {
        this.length = (nuint)length;
        // Not AlignedAlloc: what the system gives zeroed need not be cleared, and costs nothing until it is touched.
        allocation = NativeMemory.AllocZeroed(this.length + Alignment);
        start = (byte*)(((nuint)allocation + Alignment - 1) & ~(Alignment - 1));
    }

    /// <summary>All of it as elements of a type.</summary>
    public Span<T> As<T>()
        where T : unmanaged => new(Start, checked((int)(length / (nuint)Unsafe.SizeOf<T>())));

    /// <summary>The first bytes of it.</summary>
    public ReadOnlyMemory<byte> First(int count) => CreateMemory(count);

    /// <summary>At most 2^31 bytes of it.</summary>
    public override Span<byte> GetSpan() => new(Start, (int)Math.Min(length, int.MaxValue));

    public override MemoryHandle Pin(int elementIndex = 0) => new(Start + elementIndex);

    public override void Unpin()
    {
    }

    protected override void Dispose(bool disposing)
    {
        NativeMemory.Free(allocation);
        allocation = null;
        start = null;
    }

    private byte* Start
    {
        get
        {
            ObjectDisposedException.ThrowIf(start is null, this);
            return start;
        }
    }
}

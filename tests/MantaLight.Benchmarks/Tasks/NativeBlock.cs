using System.Buffers;
using System.Runtime.InteropServices;

namespace MantaLight.Benchmarks.Tasks;

/// <summary>Memory as a tensor's: it goes when it is disposed, and is not counted as somebody's until the next collection.</summary>
/// <param name="length">Bytes.</param>
internal sealed unsafe class NativeBlock(int length) : MemoryManager<byte>
{
    private readonly void* start = NativeMemory.Alloc((nuint)length);

    public override Span<byte> GetSpan() => new(start, length);

    public override MemoryHandle Pin(int elementIndex = 0) => new((byte*)start + elementIndex);

    public override void Unpin()
    {
    }

    protected override void Dispose(bool disposing) => NativeMemory.Free(start);
}

/// <summary>Blocks that go together.</summary>
internal sealed class NativeBlocks : IDisposable
{
    private readonly List<NativeBlock> blocks = [];

    /// <summary>One more.</summary>
    public Memory<byte> Add(int length)
    {
        var block = new NativeBlock(length);
        blocks.Add(block);
        return block.Memory;
    }

    public void Dispose() => blocks.ForEach(b => ((IDisposable)b).Dispose());
}

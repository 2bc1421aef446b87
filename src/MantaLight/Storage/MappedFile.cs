using System.Buffers;
using System.IO.MemoryMappedFiles;

namespace MantaLight.Storage;

/// <summary>A file as memory: read where it lies in the page cache, never copied to the managed heap.</summary>
internal sealed unsafe class MappedFile : DiskMemory
{
    private const int SegmentSize = 1 << 30;

    private readonly MemoryMappedFile file;
    private readonly MemoryMappedViewAccessor view;
    private bool disposed;

    public MappedFile(string path, long size)
    {
        if (new FileInfo(path) is { Exists: true } info && info.Length != size)
            throw new MalformedDataException($"The file {Path.GetFileName(path)} has {info.Length} bytes where {size} are expected.");
        file = MemoryMappedFile.CreateFromFile(path, FileMode.Open, null, 0, MemoryMappedFileAccess.Read);
        view = file.CreateViewAccessor(0, size, MemoryMappedFileAccess.Read);
        byte* start = null;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        Content = Sequence(start + view.PointerOffset, size);
    }

    public override ReadOnlySequence<byte> Content { get; }

    public override void Dispose()
    {
        if (disposed)
            return;
        disposed = true;
        view.SafeMemoryMappedViewHandle.ReleasePointer();
        view.Dispose();
        file.Dispose();
    }

    private static ReadOnlySequence<byte> Sequence(byte* start, long size)
    {
        Segment? first = null, last = null;
        for (long offset = 0; offset < size; offset += SegmentSize)
        {
            var memory = new NativeMemory(start + offset, (int)Math.Min(SegmentSize, size - offset)).Memory;
            last = new Segment(memory, last);
            first ??= last;
        }
        return first is null ? ReadOnlySequence<byte>.Empty : new ReadOnlySequence<byte>(first, 0, last!, last!.Memory.Length);
    }

    private sealed class NativeMemory(byte* start, int length) : MemoryManager<byte>
    {
        public override Span<byte> GetSpan() => new(start, length);

        public override MemoryHandle Pin(int elementIndex = 0) => new(start + elementIndex);

        public override void Unpin()
        {
        }

        protected override void Dispose(bool disposing)
        {
        }
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(ReadOnlyMemory<byte> memory, Segment? previous)
        {
            Memory = memory;
            if (previous is null)
                return;
            RunningIndex = previous.RunningIndex + previous.Memory.Length;
            previous.Next = this;
        }
    }
}

using System.Buffers;
using System.Collections.Immutable;
using MantaLight.Storage;
using MantaLight.Weights.Packing;

namespace MantaLight.Weights.Sources;

/// <summary>Weights in a file, of which only the headers are held: their data are read from the page cache, and are no part of the process.</summary>
internal sealed class WeightsFile : WeightsSource
{
    private readonly DiskFile file;
    private readonly ImmutableArray<long> begins;

    private WeightsFile(DiskFile file, ImmutableArray<ArrayHeader> layout, ImmutableArray<long> begins)
        : base(layout) => (this.file, this.begins) = (file, begins);

    /// <summary>Opens a blob from an untrusted source.</summary>
    /// <param name="file">Disposed with the result; where there is none, it still belongs to the caller.</param>
    /// <param name="blob">The file as memory; only its headers are looked at, and it is not kept.</param>
    /// <exception cref="MalformedDataException">Not exactly such a blob.</exception>
    public static WeightsFile Open(DiskFile file, ReadOnlySequence<byte> blob)
    {
        var (layout, begins) = WeightsDecoder.ReadLayout(blob);
        return new WeightsFile(file, layout, begins);
    }

    /// <summary>Unpacks into a file, one array after the other.</summary>
    /// <param name="draft">An empty file; disposed with the result, and gone then. Where there is no result, it still belongs to the caller.</param>
    /// <param name="packed">The packed form, from an untrusted source.</param>
    /// <param name="reference">The base of a delta; null where there is none.</param>
    /// <exception cref="MalformedDataException">It is damaged.</exception>
    /// <exception cref="IncompatibleWeightsException">It is a delta from another base.</exception>
    /// <exception cref="IOException">The disk is full.</exception>
    public static WeightsFile Unpack(DiskDraft draft, NamedArrays packed, DeltaBase? reference)
    {
        var layout = ImmutableArray.CreateBuilder<ArrayHeader>();
        var begins = ImmutableArray.CreateBuilder<long>();
        var end = 0L;
        foreach (var array in Unpacker.UnpackEach(packed, reference))
        {
            layout.Add(ArrayHeader.Of(array));
            begins.Add(end);
            draft.Write(end, array.Data.Span);
            end += array.Data.Length;
        }
        return new WeightsFile(draft, layout.ToImmutable(), begins.ToImmutable());
    }

    public override ReadOnlySpan<byte> Read(int array, long offset, Span<byte> buffer)
    {
        for (var done = 0; done < buffer.Length;)
        {
            var count = file.Read(begins[array] + offset + done, buffer[done..]);
            if (count == 0)
                throw new MalformedDataException($"The file of the weights ends within '{Layout[array]}'.");
            done += count;
        }
        return buffer;
    }

    protected override void Dispose(bool disposing) => file.Dispose();
}

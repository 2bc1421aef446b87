using ZstdSharp;

namespace MantaLight.Weights.Packing;

/// <summary>Reads what <see cref="PackedWriter"/> wrote, or anybody else.</summary>
internal sealed class PackedReader(PackingPlan plan) : IDisposable
{
    private readonly Decompressor? decompressor = plan.Level is null ? null : new Decompressor();
    private RentedMemory scratch = new();

    /// <summary>An array's bytes, until the next one is read.</summary>
    /// <param name="packed">From anybody.</param>
    /// <param name="length">The bytes that were written, within what the reader may allocate.</param>
    /// <param name="head">As written.</param>
    /// <param name="width">As written.</param>
    /// <exception cref="MalformedDataException">It is not that.</exception>
    public ReadOnlySpan<byte> Read(ReadOnlySpan<byte> packed, long length, int head, int width)
    {
        Check(packed, length);
        if (decompressor is null)
            return packed;
        Clear();
        var bytes = scratch.Take((int)length).Span;
        Decompress(packed, bytes, head, width);
        return bytes;
    }

    /// <summary>Puts an array's bytes, numbers of one width, where they are to be.</summary>
    /// <exception cref="MalformedDataException">It is not that.</exception>
    public void Read(ReadOnlySpan<byte> packed, Span<byte> target, int width)
    {
        Check(packed, target.Length);
        if (decompressor is null)
        {
            packed.CopyTo(target);
            return;
        }
        Clear();
        Decompress(packed, target, 0, width);
    }

    public void Dispose()
    {
        decompressor?.Dispose();
        scratch.Dispose();
    }

    /// <summary>Before anything is allocated for it: a compressed array says how long it is.</summary>
    /// <exception cref="MalformedDataException">It is not as long as expected.</exception>
    public void Check(ReadOnlySpan<byte> packed, long length)
    {
        var announced = (ulong)packed.Length;
        if (decompressor is not null)
        {
            try
            {
                announced = Decompressor.GetDecompressedSize(packed);
            }
            catch (ZstdException e)
            {
                throw new MalformedDataException($"A packed array cannot be decompressed: {e.Message}", e);
            }
        }
        if (announced != (ulong)length || length > Array.MaxLength)
            throw new MalformedDataException($"A packed array has {announced:N0} bytes where {length:N0} are expected.");
    }

    private void Decompress(ReadOnlySpan<byte> packed, Span<byte> bytes, int head, int width)
    {
        var sorted = head == 0 && width == 1 ? bytes : scratch.Take(bytes.Length).Span;
        int written;
        try
        {
            written = decompressor!.Unwrap(packed, sorted);
        }
        catch (ZstdException e)
        {
            throw new MalformedDataException($"A packed array cannot be decompressed: {e.Message}", e);
        }
        if (written != bytes.Length)
            throw new MalformedDataException($"A packed array has become {written:N0} bytes where {bytes.Length:N0} are expected.");
        if (head == 0 && width == 1)
            return;
        BytePlanes.Join(sorted[..head], bytes[..head], sizeof(uint));
        BytePlanes.Join(sorted[head..], bytes[head..], width);
    }

    private void Clear()
    {
        scratch.Dispose();
        scratch = new RentedMemory();
    }
}

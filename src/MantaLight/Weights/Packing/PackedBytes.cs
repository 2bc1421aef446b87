using ZstdSharp;

namespace MantaLight.Weights.Packing;

/// <summary>
/// The last step of packing: compression, where the plan has it. Like bytes are put together first (all lowest bytes of the numbers, then all next ones),
/// since they compress far better than numbers as they lie.
/// </summary>
internal sealed class PackedBytes(PackingPlan plan) : IDisposable
{
    private readonly Compressor? compressor = plan.Level is { } level ? new Compressor(level) : null;
    private readonly Decompressor? decompressor = plan.Level is null ? null : new Decompressor();

    /// <summary>Writes.</summary>
    /// <param name="bytes">Perhaps a head of 32-bit numbers, then numbers of one width.</param>
    /// <param name="head">Bytes of the head.</param>
    /// <param name="width">Bytes of a number.</param>
    public byte[] Write(ReadOnlySpan<byte> bytes, int head, int width)
    {
        if (compressor is null)
            return bytes.ToArray();
        var sorted = new byte[bytes.Length];
        Sort(bytes[..head], sorted.AsSpan(0, head), sizeof(uint));
        Sort(bytes[head..], sorted.AsSpan(head), width);
        return compressor.Wrap(sorted).ToArray();
    }

    /// <summary>Reads what <see cref="Write"/> wrote.</summary>
    /// <param name="packed">From anybody.</param>
    /// <param name="length">The bytes that were written.</param>
    /// <param name="head">As written.</param>
    /// <param name="width">As written.</param>
    /// <exception cref="MalformedDataException">It is not that.</exception>
    public byte[] Read(ReadOnlySpan<byte> packed, long length, int head, int width)
    {
        if (decompressor is null)
            return packed.Length == length ? packed.ToArray() : throw new MalformedDataException($"A packed array has {packed.Length:N0} bytes where {length:N0} are expected.");
        if (length > Array.MaxLength)
            throw new MalformedDataException($"A packed array is to become {length:N0} bytes.");
        var sorted = new byte[length];
        int written;
        try
        {
            written = decompressor.Unwrap(packed, sorted);
        }
        catch (ZstdException e)
        {
            throw new MalformedDataException($"A packed array cannot be decompressed: {e.Message}", e);
        }
        if (written != length)
            throw new MalformedDataException($"A packed array has become {written:N0} bytes where {length:N0} are expected.");
        var bytes = new byte[length];
        Unsort(sorted.AsSpan(0, head), bytes.AsSpan(0, head), sizeof(uint));
        Unsort(sorted.AsSpan(head), bytes.AsSpan(head), width);
        return bytes;
    }

    public void Dispose()
    {
        compressor?.Dispose();
        decompressor?.Dispose();
    }

    private static void Sort(ReadOnlySpan<byte> numbers, Span<byte> sorted, int width)
    {
        var count = numbers.Length / width;
        for (var part = 0; part < width; part++)
        {
            var target = sorted.Slice(part * count, count);
            for (var i = 0; i < target.Length; i++)
                target[i] = numbers[(i * width) + part];
        }
        // A rest that is no whole number stays at the end.
        numbers[(count * width)..].CopyTo(sorted[(count * width)..]);
    }

    private static void Unsort(ReadOnlySpan<byte> sorted, Span<byte> numbers, int width)
    {
        var count = numbers.Length / width;
        for (var part = 0; part < width; part++)
        {
            var source = sorted.Slice(part * count, count);
            for (var i = 0; i < source.Length; i++)
                numbers[(i * width) + part] = source[i];
        }
        sorted[(count * width)..].CopyTo(numbers[(count * width)..]);
    }
}

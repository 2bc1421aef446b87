using ZstdSharp;

namespace MantaLight.Weights.Packing;

/// <summary>The last step of packing: compression, where the plan has it.</summary>
/// <param name="plan">The plan.</param>
/// <param name="memory">Where packed arrays lie.</param>
internal sealed class PackedWriter(PackingPlan plan, RentedMemory memory) : IDisposable
{
    private readonly Compressor? compressor = plan.Level is { } level ? new Compressor(level) : null;
    private RentedMemory scratch = new();
    private Memory<byte> bytes;

    /// <summary>Where the bytes of the next array are to be put.</summary>
    public Span<byte> Begin(int length)
    {
        bytes = (compressor is null ? memory : scratch).Take(length);
        return bytes.Span;
    }

    /// <summary>What has been put there, packed.</summary>
    /// <param name="head">Bytes of a head of 32-bit numbers.</param>
    /// <param name="width">Bytes of a number after it.</param>
    public Memory<byte> End(int head, int width)
    {
        if (compressor is null)
            return bytes;
        var planes = head == 0 && width == 1 ? bytes.Span : scratch.Take(bytes.Length).Span;
        if (head > 0 || width > 1)
        {
            BytePlanes.Split(bytes.Span[..head], planes[..head], sizeof(uint));
            BytePlanes.Split(bytes.Span[head..], planes[head..], width);
        }
        var packed = memory.Take(Compressor.GetCompressBound(planes.Length));
        packed = packed[..compressor.Wrap(planes, packed.Span)];
        scratch.Dispose();
        scratch = new RentedMemory();
        return packed;
    }

    public void Dispose()
    {
        compressor?.Dispose();
        scratch.Dispose();
    }
}

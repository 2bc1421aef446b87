namespace MantaLight.Weights.Sources;

/// <summary>Weights in memory, read where they lie.</summary>
internal sealed class WeightsInMemory(NamedArrays weights) : WeightsSource([.. weights.Select(ArrayHeader.Of)])
{
    public override ReadOnlySpan<byte> Read(int array, long offset, Span<byte> buffer) => weights[array].Data.Span.Slice((int)offset, buffer.Length);

    internal override ReadOnlySpan<byte> Peek(int array, long offset, int length) => weights[array].Data.Span.Slice((int)offset, length);

    protected override void Dispose(bool disposing) => weights.Dispose();
}

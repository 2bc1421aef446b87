using System.Runtime.InteropServices;
using MantaLight.Tests.Aggregation;
using MantaLight.Weights;
using MantaLight.Weights.Sources;
using static MantaLight.Tests.Aggregation.Models;

namespace MantaLight.Tests.Weights;

public sealed class WeightsSourceTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Any_piece_of_any_array_can_be_read(bool inFile)
    {
        using var files = new BlobFiles();
        using var weights = Of(Floats("a", 1, 2, 3), Array("n", ArrayType.Int64, 7L, 8L, 9L), Floats("none"));
        using var source = inFile ? files.Open(weights) : WeightsSource.Of(new NamedArrays(weights));
        Span<byte> buffer = stackalloc byte[16];

        Assert.Equal(["a: float32 [3]", "n: int64 [3]", "none: float32 [0]"], source.Layout.Select(a => a.ToString()));
        Assert.Equal([2, 3], MemoryMarshal.Cast<byte, float>(source.Read(0, 4, buffer[..8])).ToArray());
        Assert.Equal([8, 9], MemoryMarshal.Cast<byte, long>(source.Read(1, 8, buffer)).ToArray());
        Assert.True(source.Read(2, 0, []).IsEmpty);
    }

    [Fact]
    public void Weights_in_memory_are_read_where_they_lie()
    {
        using var weights = Of(Floats("a", 1, 2, 3));
        using var source = WeightsSource.Of(new NamedArrays(weights));
        Assert.True(source.Read(0, 4, stackalloc byte[8]) == weights[0].Data.Span[4..]);
    }

    [Fact]
    public void A_file_that_has_become_shorter_is_damaged()
    {
        using var files = new BlobFiles();
        using var source = files.OpenCut(Of(Floats("a", 1, 2, 3)), 1);
        Assert.Contains("'a: float32 [3]'", Assert.Throws<MalformedDataException>(() => source.Read(0, 8, stackalloc byte[4]).Length).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(4095)]
    [InlineData(4096)]
    [InlineData(10_000)]
    public void A_copy_ends_at_the_first_value_that_is_not_finite(int at)
    {
        var values = new float[10_001];
        values.AsSpan().Fill(2);
        var target = new byte[values.Length * sizeof(float)];
        Assert.Null(Floats("w", values).CopyFinite(target));
        Assert.Equal(values, MemoryMarshal.Cast<byte, float>(target).ToArray());
        values[at] = float.NaN;
        Assert.Equal(at, Floats("w", values).CopyFinite(target));
        Assert.DoesNotContain(MemoryMarshal.Cast<byte, float>(target).ToArray(), float.IsNaN);
    }

    [Fact]
    public void A_source_disposes_the_weights_that_it_was_given()
    {
        var owner = new Owner();
        WeightsSource.Of(new NamedArrays([Floats("a", 1)], owner)).Dispose();
        Assert.True(owner.IsDisposed);
    }

    private sealed class Owner : IDisposable
    {
        public bool IsDisposed { get; private set; }

        public void Dispose() => IsDisposed = true;
    }
}

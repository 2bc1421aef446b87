using System.Runtime.InteropServices;
using MantaLight.Tests.Aggregation;
using MantaLight.Tests.Weights.Packing;
using MantaLight.Weights;
using MantaLight.Weights.Packing;
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

    [Theory]
    [InlineData("fp16")]
    [InlineData("zstd")]
    [InlineData("delta,top_k 0.5,int8,zstd")]
    public void What_comes_packed_is_unpacked_into_a_file_that_is_gone_when_it_has_been_read(string steps)
    {
        using var files = new BlobFiles();
        using var weights = Of(Floats("a", 1, 2, 3), Array("n", ArrayType.Int64, 7L, 8L, 9L), Floats("none"), Floats("b", 4, 5));
        var plan = Plans.Of(steps);
        var reference = plan.IsDelta ? new DeltaBase(Of(Floats("a", 1, 1, 1), Array("n", ArrayType.Int64, 7L, 8L, 9L), Floats("none"), Floats("b", 1, 1)), Plans.Hash) : null;
        using var packed = Packer.Pack(plan, weights, reference, null).Weights;
        using var expected = Unpacker.Unpack(packed, reference);
        using (var source = files.Unpack(packed, reference))
        {
            Assert.Equal(1, files.Count);
            Assert.Equal(expected.Select(a => a.ToString()), source.Layout.Select(a => a.ToString()));
            Assert.All(expected.Index(), a => Assert.Equal(a.Item.Data.ToArray(), source.Read(a.Index, 0, new byte[a.Item.Data.Length]).ToArray()));
        }
        Assert.Equal(0, files.Count);
    }

    [Fact]
    public void Arrays_that_are_unpacked_one_after_the_other_share_their_memory()
    {
        using var weights = new NamedArrays(Enumerable.Range(0, 40).Select(i => Floats($"a{i}", new float[5000])));
        using var packed = Packer.Pack(Plans.Of("zstd"), weights, null, null).Weights;
        var memories = Unpacker.UnpackEach(packed, null).Select(a => MemoryMarshal.TryGetArray(a.Data, out var memory) ? memory.Array : null).Distinct().ToArray();
        Assert.DoesNotContain(null, memories);
        Assert.InRange(memories.Length, 1, 10);
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

using System.Buffers;
using System.Runtime.InteropServices;
using MantaLight.Weights;

namespace MantaLight.Tests.Weights;

public sealed class WeightsCodecTests
{
    /// <summary>Two tensors, the first padded to offset 128, the second (a scalar) to 192; written by hand from the MessagePack specification.</summary>
    private const string Golden =
        "82" + "A6666F726D6174" + "B46D616E74616C696768742E776569676874732F31" + "A774656E736F7273" + "92"
        + "85" + "A46E616D65" + "A8666331" + "2E62696173" + "A56474797065" + "A7666C6F61743332" + "A57368617065" + "9102"
        + "A3706164" + "C428" + "00000000000000000000000000000000000000000000000000000000000000000000000000000000" + "A464617461" + "C408" + "0000803F000000C0"
        + "85" + "A46E616D65" + "A473746570" + "A56474797065" + "A5696E743634" + "A57368617065" + "90"
        + "A3706164" + "C40D" + "00000000000000000000000000" + "A464617461" + "C408" + "2A00000000000000";

    [Fact]
    public void Bytes_on_the_wire_are_the_documented_ones()
    {
        using var weights = new NamedArrays([Floats("fc1.bias", [2], 1f, -2f), Array("step", ArrayType.Int64, [], 42L)]);
        Assert.Equal(Golden, Convert.ToHexString(WeightsCodec.Encode(weights).ToArray()));
    }

    [Fact]
    public void Documented_bytes_are_read()
    {
        using var weights = WeightsCodec.Decode(Convert.FromHexString(Golden));
        Assert.Equal(["fc1.bias: float32 [2]", "step: int64 []"], weights.Select(a => a.ToString()));
        Assert.Equal([1f, -2f], weights["fc1.bias"].Span<float>().ToArray());
        Assert.Equal(42, weights["step"].Span<long>()[0]);
    }

    [Fact]
    public void Data_are_neither_copied_when_written_nor_when_read_in_one_piece()
    {
        using var weights = new NamedArrays([Floats("a", [1000], new float[1000]), Floats("b", [3], 1, 2, 3)]);
        var encoded = WeightsCodec.Encode(weights);
        using var gathered = WeightsCodec.Decode(encoded);
        byte[] joined = encoded.ToArray();
        using var contiguous = WeightsCodec.Decode(joined);
        for (var i = 0; i < weights.Count; i++)
        {
            Assert.True(weights[i].Data.Span == gathered[i].Data.Span, "the gathered blob was copied");
            Assert.True(joined.AsSpan().Overlaps(contiguous[i].Data.Span), "the contiguous blob was copied");
        }
    }

    [Fact]
    public void Data_begin_at_multiples_of_64_bytes()
    {
        using var weights = new NamedArrays(Enumerable.Range(0, 300).Select(i => Array(new string('n', 1 + (i % 200)), i)));
        byte[] blob = WeightsCodec.Encode(weights).ToArray();
        using var decoded = WeightsCodec.Decode(blob);
        foreach (var array in decoded)
        {
            Assert.True(blob.AsSpan().Overlaps(array.Data.Span, out var offset));
            Assert.Equal(0, offset % 64);
        }

        static NamedArray Array(string name, int i) => new($"{i}{name}", ArrayType.Int8, [i + 1], new byte[i + 1]);
    }

    [Fact]
    public void A_blob_in_chunks_is_read_with_one_copy()
    {
        using var weights = new NamedArrays([Floats("a", [4, 5], [.. Enumerable.Range(0, 20).Select(i => (float)i)]), Floats("b", [0, 7])]);
        using var decoded = WeightsCodec.Decode(Sequences.InPiecesOf(7, WeightsCodec.Encode(weights).ToArray()));
        Assert.Null(weights.DifferenceFrom(decoded));
        Assert.True(weights["a"].Data.Span.SequenceEqual(decoded["a"].Data.Span));
    }

    [Fact]
    public void A_model_without_tensors_is_a_model()
    {
        using var none = WeightsCodec.Decode(WeightsCodec.Encode(new NamedArrays([])));
        Assert.Empty(none);
    }

    [Fact]
    public void The_owner_goes_with_the_weights_and_stays_with_the_caller_of_a_refused_blob()
    {
        var owner = new Owner();
        Assert.Throws<MalformedDataException>(() => WeightsCodec.Decode(new byte[] { 0x80 }, owner));
        Assert.Equal(0, owner.Disposed);
        WeightsCodec.Decode(Convert.FromHexString(Golden), owner).Dispose();
        Assert.Equal(1, owner.Disposed);
    }

    [Fact]
    public void More_tensors_than_a_blob_may_have_are_refused_before_they_are_sent()
    {
        using var weights = new NamedArrays(Enumerable.Range(0, WeightsCodec.MaximumTensors + 1).Select(i => Floats($"{i}", [0])));
        Assert.Contains("10,001", Assert.Throws<MalformedDataException>(() => WeightsCodec.Encode(weights)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(ArrayType.Float32)]
    [InlineData(ArrayType.Float64)]
    [InlineData(ArrayType.Float16)]
    [InlineData(ArrayType.BFloat16)]
    public void The_first_number_that_is_not_finite_is_found_wherever_it_is(ArrayType type)
    {
        const int count = 131; // no multiple of any vector's width
        for (var at = 0; at < count; at++)
        {
            foreach (var wrong in new[] { double.NaN, double.PositiveInfinity, double.NegativeInfinity })
            {
                var values = Enumerable.Range(0, count).Select(i => i < at ? -1e4 + i : 0.5).ToArray();
                Assert.Null(Of(type, values).FirstNonFinite());
                values[at] = wrong;
                values[^1] = double.NaN;
                Assert.Equal(at, Of(type, values).FirstNonFinite());
            }
        }

        static NamedArray Of(ArrayType type, double[] values) => type switch
        {
            ArrayType.Float32 => Array("a", type, [values.Length], values.Select(v => (float)v).ToArray()),
            ArrayType.Float64 => Array("a", type, [values.Length], values),
            ArrayType.Float16 => Array("a", type, [values.Length], values.Select(v => (Half)v).ToArray()),
            _ => Array("a", type, [values.Length], values.Select(v => (ushort)(BitConverter.SingleToUInt32Bits((float)v) >> 16)).ToArray()),
        };
    }

    [Fact]
    public void Integers_are_always_finite() =>
        Assert.Null(Array("a", ArrayType.Int32, [2], -1, 0x7F80_0000).FirstNonFinite());

    private static NamedArray Floats(string name, long[] shape, params float[] values) => Array(name, ArrayType.Float32, shape, values);

    private static NamedArray Array<T>(string name, ArrayType type, long[] shape, params T[] values)
        where T : unmanaged => new(name, type, shape, MemoryMarshal.AsBytes(values.AsSpan()).ToArray());

    private sealed class Owner : IDisposable
    {
        public int Disposed { get; private set; }

        public void Dispose() => Disposed++;
    }
}

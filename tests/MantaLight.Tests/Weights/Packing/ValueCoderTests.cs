using System.Runtime.InteropServices;
using CsCheck;
using MantaLight.Weights.Packing;

namespace MantaLight.Tests.Weights.Packing;

/// <summary>What vectors of numbers become is what each of them would become by itself.</summary>
public sealed class ValueCoderTests
{
    // Any bits that are a number; lengths around those of vectors and blocks.
    private static readonly Gen<float[]> Numbers = Gen.UInt.Select(BitConverter.UInt32BitsToSingle).Where(float.IsFinite).Array[0, 300];
    private static readonly Gen<float[]> Weights = Gen.Float[-2, 2].Array[0, 300];

    [Fact]
    public void Halves_are_rounded_to_nearest_half_to_even_and_stay_finite() => Gen.OneOf(Numbers, Weights).Sample(values =>
    {
        var expected = values.Select(v => (Half)v is var half && Half.IsInfinity(half) ? half < Half.Zero ? Half.MinValue : Half.MaxValue : (Half)v);
        Assert.Equal(expected.Select(BitConverter.HalfToUInt16Bits), MemoryMarshal.Cast<byte, ushort>(Encoded("fp16", values)).ToArray());
    });

    [Fact]
    public void Brain_floats_are_rounded_to_nearest_half_to_even_and_stay_finite() => Gen.OneOf(Numbers, Weights).Sample(values =>
        Assert.Equal(values.Select(Brain), MemoryMarshal.Cast<byte, ushort>(Encoded("bf16", values)).ToArray()));

    [Theory]
    [InlineData(0x3F80_8000u, 0x3F80)] // half-way, to even: down
    [InlineData(0x3F81_8000u, 0x3F82)] // half-way, to even: up
    [InlineData(0x3F80_8001u, 0x3F81)] // just above half-way
    [InlineData(0x7F7F_FFFFu, 0x7F7F)] // the largest number
    [InlineData(0xFF7F_8000u, 0xFF7F)]
    [InlineData(0x0000_0001u, 0x0000)] // the least number
    [InlineData(0x8000_0000u, 0x8000)]
    public void A_brain_float_has_these_bits(uint value, ushort expected) =>
        Assert.Equal([expected], MemoryMarshal.Cast<byte, ushort>(Encoded("bf16", [BitConverter.UInt32BitsToSingle(value)])).ToArray());

    [Theory]
    [InlineData("fp16")]
    [InlineData("bf16")]
    public void All_that_sixteen_bits_can_be_is_read_exactly_also_what_is_no_number(string steps)
    {
        ushort[] all = [.. Enumerable.Range(0, 1 << 16).Select(i => (ushort)i)];
        var values = new float[all.Length];
        ValueCoder.Decode(Plans.Of(steps), MemoryMarshal.AsBytes(all.AsSpan()), values);
        Assert.Equal(all.Select(bits => steps == "fp16" ? (float)BitConverter.UInt16BitsToHalf(bits) : BitConverter.UInt32BitsToSingle((uint)bits << 16)), values);
        float[] finite = [.. values.Where(float.IsFinite)];
        Assert.Equal(all.Where((_, i) => float.IsFinite(values[i])), MemoryMarshal.Cast<byte, ushort>(Encoded(steps, finite)).ToArray());
    }

    [Fact]
    public void Scaled_bytes_are_those_of_each_number_by_itself() => Gen.Select(Gen.OneOf(Numbers, Weights), Gen.OneOf(Gen.Const(16), Gen.Const(17), Gen.Const(64), Gen.Const(256))).Sample((values, block) =>
    {
        var bytes = Encoded($"int8 {block}", values);
        var scales = MemoryMarshal.Cast<byte, float>(bytes.AsSpan(0, values.Chunk(block).Count() * sizeof(float))).ToArray();
        Assert.Equal(values.Chunk(block).Select(b => b.Max(MathF.Abs) / 127), scales);
        Assert.Equal(
            values.Select((v, i) => scales[i / block] is var scale && scale == 0 ? (sbyte)0 : (sbyte)Math.Clamp(MathF.Round(v / scale), -127, 127)),
            MemoryMarshal.Cast<byte, sbyte>(bytes.AsSpan(scales.Length * sizeof(float))).ToArray());
    });

    [Fact]
    public void Scaled_bytes_lose_at_most_half_a_step_of_their_block() => Gen.Select(Weights, Gen.OneOf(Gen.Const(16), Gen.Const(256))).Sample((values, block) =>
    {
        var came = Decoded($"int8 {block}", values);
        foreach (var (i, sent) in values.Index())
        {
            var step = values.Chunk(block).ElementAt(i / block).Max(MathF.Abs) / 127;
            // A scale next to the least number that there is has few digits.
            Assert.InRange(Math.Abs(sent - came[i]), 0, (step / 2) + (1e-6f * Math.Abs(sent)) + (64 * float.Epsilon));
        }
    });

    [Fact]
    public void Multiples_of_a_power_of_two_up_to_127_of_them_come_as_they_went()
    {
        float[] values = [.. Enumerable.Range(-127, 255).Select(n => n / 1024f)];
        Assert.Equal(values, Decoded("int8 256", values));
    }

    [Theory]
    [InlineData(0f)]
    [InlineData(float.Epsilon)]
    public void A_block_of_next_to_nothing_becomes_nothing(float value) => Assert.Equal([0f, 0, 0], Decoded("int8", [value, -value, 0]));

    [Theory]
    [InlineData(-1f)]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void A_scale_that_cannot_be_is_refused(float scale) =>
        Assert.Contains("scale", Assert.Throws<MalformedDataException>(() => ValueCoder.Decode(Plans.Of("int8"), [.. BitConverter.GetBytes(scale), 1], new float[1])).Message, StringComparison.Ordinal);

    [Fact]
    public void Planes_are_the_numbers_bytes_by_their_place() => Gen.Select(Gen.Byte.Array[0, 700], Gen.OneOf(Gen.Const(1), Gen.Const(2), Gen.Const(4), Gen.Const(8))).Sample((numbers, width) =>
    {
        var (planes, joined) = (new byte[numbers.Length], new byte[numbers.Length]);
        BytePlanes.Split(numbers, planes, width);
        var whole = numbers.Length / width * width;
        Assert.Equal([.. Enumerable.Range(0, width).SelectMany(p => numbers.Take(whole).Where((_, i) => i % width == p)), .. numbers[whole..]], planes);
        BytePlanes.Join(planes, joined, width);
        Assert.Equal(numbers, joined);
    });

    private static byte[] Encoded(string steps, float[] values)
    {
        var bytes = new byte[ValueCoder.LengthOf(Plans.Of(steps), values.Length)];
        ValueCoder.Encode(Plans.Of(steps), values, bytes);
        return bytes;
    }

    private static float[] Decoded(string steps, float[] values)
    {
        var decoded = new float[values.Length];
        ValueCoder.Decode(Plans.Of(steps), Encoded(steps, values), decoded);
        return decoded;
    }

    private static ushort Brain(float value)
    {
        // Of the two neighbours the nearer one, of two that are as near the one whose last bit is 0.
        var below = (ushort)(BitConverter.SingleToUInt32Bits(value) >> 16);
        var above = (ushort)(below + 1);
        if ((above & 0x7FFF) >= 0x7F80)
            return below;
        var (low, high) = (Math.Abs(value - (double)Of(below)), Math.Abs((double)Of(above) - value));
        return low < high || (low == high && below % 2 == 0) ? below : above;
        static float Of(ushort bits) => BitConverter.UInt32BitsToSingle((uint)bits << 16);
    }
}

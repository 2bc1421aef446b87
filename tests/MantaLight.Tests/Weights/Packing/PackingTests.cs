using System.Runtime.InteropServices;
using CsCheck;
using MantaLight.Weights;
using MantaLight.Weights.Packing;
using static MantaLight.Tests.Aggregation.Models;

namespace MantaLight.Tests.Weights.Packing;

public sealed class PackingTests
{
    private static readonly string Hash = new('a', 64);

    public static TheoryData<string> Plans => ["", "zstd", "delta", "delta,zstd", "fp16", "bf16", "int8", "int8 64,zstd 9", "delta,fp16", "delta,int8,zstd", "delta,top_k 0.1", "delta,top_k 0.01,fp16,zstd", "delta,top_k 0.5,int8"];

    [Theory]
    [MemberData(nameof(Plans))]
    public void What_comes_out_is_near_what_went_in_as_the_plan_has_it(string steps)
    {
        var plan = Plan(steps);
        var (weights, before) = (Model(1), Model(2));
        var reference = plan.IsDelta ? new DeltaBase(before, Hash) : null;
        using var unpacked = Unpacker.Unpack(Travel(Packer.Pack(plan, weights, reference, null).Weights), reference);
        Assert.Null(weights.DifferenceFrom(unpacked));
        Assert.True(weights["count"].Data.Span.SequenceEqual(unpacked["count"].Data.Span));
        var (sent, came) = (weights["w"].Span<float>().ToArray(), unpacked["w"].Span<float>().ToArray());
        if (!plan.IsLossy)
            Assert.Equal(sent, came);
        // Of the largest of 1,000 numbers below 1 a block's step is 1/127; half of it is lost at most. bfloat16 has 8 bits.
        else if (plan.TopK is null)
            Assert.All(sent.Zip(came), pair => Assert.InRange(Math.Abs(pair.First - pair.Second), 0, 2.0 / 127));
        else
            Assert.Equal(sent.Length - TopK.CountOf(plan.TopK.Value, sent.Length), came.Zip(before["w"].Span<float>().ToArray()).Count(pair => pair.First == pair.Second));
    }

    [Theory]
    [MemberData(nameof(Plans))]
    public void What_a_node_has_to_know_is_the_first_word_of_each_step(string steps) =>
        Assert.Equal(Plan(steps).Steps.Select(s => s.Split(' ')[0]), Plan(steps).Kinds);

    [Fact]
    public void What_a_round_loses_comes_with_the_next_ones()
    {
        var plan = Plan("delta,top_k 0.1,int8");
        var reference = new DeltaBase(Of(Floats("w", new float[1000])), Hash);
        var wanted = Model(5)["w"].Span<float>().ToArray();
        var arrived = new double[wanted.Length];
        NamedArrays? residual = null;
        // The same change wanted in each round: in the mean it arrives whole.
        const int Rounds = 200;
        for (var round = 0; round < Rounds; round++)
        {
            var packed = Packer.Pack(plan, Of(Floats("w", wanted)), reference, residual);
            residual = packed.Residual;
            var came = Unpacker.Unpack(Travel(packed.Weights), reference)["w"].Span<float>();
            for (var i = 0; i < arrived.Length; i++)
                arrived[i] += came[i];
        }
        Assert.All(wanted.Zip(arrived), pair => Assert.InRange(Math.Abs(pair.First - (pair.Second / Rounds)), 0, 0.06));
    }

    [Fact]
    public void The_largest_elements_are_those_of_a_sort_and_of_equal_ones_the_first() =>
        Gen.Select(Gen.OneOf(Gen.Float[-1, 1], Gen.Const(0.5f), Gen.Const(-0.5f), Gen.Const(0f)).Array[1, 300], Gen.Double[0.001, 0.999]).Sample((values, part) =>
        {
            var found = new uint[TopK.CountOf(part, values.Length)];
            TopK.Select(values, found);
            var expected = values.Index().OrderByDescending(v => Math.Abs(v.Item)).ThenBy(v => v.Index).Take(found.Length).Select(v => (uint)v.Index).Order();
            Assert.Equal(expected, found);
        });

    [Theory]
    [InlineData("gzip", "'gzip' is not known")]
    [InlineData("zstd,delta", "'delta' stands there twice or too late")]
    [InlineData("fp16,int8", "'int8' stands there twice or too late")]
    [InlineData("top_k 0.1", "'top_k' needs 'delta' before it")]
    [InlineData("delta,top_k 1.5", "'top_k' takes the part that travels")]
    [InlineData("int8 8", "'int8' takes the elements of a block")]
    [InlineData("zstd 40", "'zstd' takes a level")]
    public void Steps_that_cannot_be_are_refused_with_the_reason(string steps, string problem)
    {
        Assert.Null(PackingPlan.Parse(steps.Split(','), out var found));
        Assert.StartsWith(problem, found, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Plans))]
    public void Steps_read_as_they_are_written(string steps) => Assert.Equal(steps, string.Join(',', Plan(steps).Steps));

    [Fact]
    public void A_delta_from_another_base_is_refused()
    {
        var plan = Plan("delta,fp16");
        var packed = Packer.Pack(plan, Model(1), new DeltaBase(Model(2), Hash), null).Weights;
        Assert.Contains("is not at hand", Assert.Throws<IncompatibleWeightsException>(() => Unpacker.Unpack(packed, new DeltaBase(Model(2), new string('b', 64)))).Message, StringComparison.Ordinal);
        Assert.Throws<IncompatibleWeightsException>(() => Unpacker.Unpack(packed, null));
        Assert.Throws<IncompatibleWeightsException>(() => Unpacker.Unpack(packed, new DeltaBase(Of(Floats("w", 1), Floats("b", 1), Floats("c", 1)), Hash)));
        Assert.Throws<IncompatibleWeightsException>(() => Packer.Pack(plan, Model(1), new DeltaBase(Of(Floats("w", 1)), Hash), null));
    }

    [Theory]
    [MemberData(nameof(Plans))]
    public void Damage_is_found_out_or_harmless(string steps)
    {
        var plan = Plan(steps);
        var reference = plan.IsDelta ? new DeltaBase(Model(2), Hash) : null;
        var whole = Packer.Pack(plan, Model(1), reference, null).Weights;
        Gen.Select(Gen.Int[0, whole.Count - 1], Gen.Double[0, 1], Gen.Byte, Gen.Bool).Sample((array, at, value, cut) =>
        {
            var arrays = whole.Select((a, i) => i == array ? Damage(a, at, value, cut) : a);
            try
            {
                using var unpacked = Unpacker.Unpack(new NamedArrays(arrays), reference);
            }
            catch (MantaLightException e) when (e is MalformedDataException or IncompatibleWeightsException)
            {
            }
        });
    }

    [Fact]
    public void A_few_bytes_do_not_become_a_gigabyte()
    {
        var packed = Packer.Pack(Plan("zstd"), Of(Floats("w", new float[100])), null, null).Weights;
        var header = System.Text.Encoding.UTF8.GetString(packed[0].Data.Span).Replace("[100]", "[250000000]", StringComparison.Ordinal);
        var bomb = new NamedArrays([Bytes(packed[0].Name, System.Text.Encoding.UTF8.GetBytes(header)), packed[1]]);
        Assert.Contains("are to become more than 67,108,864", Assert.Throws<MalformedDataException>(() => Unpacker.Unpack(bomb, null)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Plans))]
    public void Layers_that_do_not_change_travel_in_next_to_nothing(string steps)
    {
        var plan = Plan(steps);
        var still = Of(Floats("w", new float[1 << 18]));
        var reference = plan.IsDelta ? new DeltaBase(still, Hash) : null;
        var packed = Packer.Pack(plan, still, reference, null).Weights;
        AssertIdentical(still, Unpacker.Unpack(Travel(packed), reference));
        if (plan.Level is not null)
            Assert.InRange(packed.TotalBytes, 1, 2000);
    }

    [Theory]
    [InlineData("""{ "steps": [null], "arrays": [] }""")]
    [InlineData("""{ "steps": ["fp16"], "arrays": [null] }""")]
    [InlineData("""{ "steps": ["delta"], "arrays": [{ "name": "w", "dtype": "float32", "shape": [1] }] }""")]
    [InlineData("""{ "steps": ["fp16"], "arrays": [{ "name": "w", "dtype": "float32", "shape": [-1] }] }""")]
    [InlineData("""{ "steps": ["fp16"], "arrays": [{ "name": "w", "dtype": "text", "shape": [1] }] }""")]
    [InlineData("""{ "steps": ["zstd"] }""")]
    [InlineData("null")]
    public void A_description_that_cannot_be_is_refused(string header)
    {
        var packed = new NamedArrays([Bytes(PackedHeader.ArrayName, System.Text.Encoding.UTF8.GetBytes(header)), Bytes("w", [1, 2])]);
        Assert.Throws<MalformedDataException>(() => Unpacker.Unpack(packed, null));
    }

    [Fact]
    public void Int8_has_these_bytes()
    {
        var packed = Packer.Pack(Plan("int8 16"), Of(Floats("w", 2, -1, 0.5f, 1.0078740157f)), null, null).Weights;
        // A scale of 2/127, then 127, -64 (half a step, to even), 32 (31.75), 64.
        Assert.Equal([.. BitConverter.GetBytes(2f / 127), 127, 192, 32, 64], packed["w"].Data.ToArray());
    }

    [Fact]
    public void What_is_beyond_a_bfloat16_becomes_its_largest() =>
        Assert.Equal([3.3895314e38f, -3.3895314e38f], Unpacker.Unpack(Packer.Pack(Plan("bf16"), Of(Floats("w", float.MaxValue, -float.MaxValue)), null, null).Weights, null)["w"].Span<float>().ToArray());

    [Fact]
    public void A_difference_that_no_float32_holds_is_refused_and_what_cannot_be_made_up_for_is_let_go()
    {
        var far = new DeltaBase(Of(Floats("w", float.MaxValue)), Hash);
        Assert.Throws<IncompatibleWeightsException>(() => Packer.Pack(Plan("delta,int8"), Of(Floats("w", -float.MaxValue)), far, null));
        var near = new DeltaBase(Of(Floats("w", 1)), Hash);
        using var residual = Packer.Pack(Plan("delta,int8"), Of(Floats("w", 2)), near, Of(Floats("w", float.NaN))).Residual!;
        Assert.Equal(0, residual["w"].Span<float>()[0], 1e-6f);
    }

    [Theory]
    [MemberData(nameof(Plans))]
    public void What_is_not_finite_is_not_packed(string steps)
    {
        var plan = Plan(steps);
        foreach (var bad in new[] { float.NaN, float.PositiveInfinity, float.NegativeInfinity })
        {
            float[] values = [.. Enumerable.Repeat(0.5f, 20_000), bad, 1];
            var from = new DeltaBase(Of(Floats("w", [.. values.Select(v => float.IsNaN(v) ? 1 : v)])), Hash);
            Assert.Contains("NaN or an infinity at element 20000", Assert.Throws<IncompatibleWeightsException>(() => Packer.Pack(plan, Of(Floats("w", values)), from, null)).Message, StringComparison.Ordinal);
            Assert.Throws<IncompatibleWeightsException>(() => Packer.Pack(plan, Of(Array("d", ArrayType.Float64, 1.0, bad)), new DeltaBase(Of(Array("d", ArrayType.Float64, 1.0, 2.0)), Hash), null));
        }
    }

    [Fact]
    public void What_is_beyond_a_half_becomes_its_largest() =>
        Assert.Equal([65504, -65504], Unpacker.Unpack(Packer.Pack(Plan("fp16"), Of(Floats("w", 1e9f, -1e9f)), null, null).Weights, null)["w"].Span<float>().ToArray());

    private static PackingPlan Plan(string steps) => PackingPlan.Parse(steps.Length == 0 ? [] : steps.Split(','), out _)!;

    private static NamedArrays Model(int seed)
    {
        var random = new Random(seed);
        return Of(
            Floats("w", [.. Enumerable.Range(0, 1000).Select(_ => (random.NextSingle() * 2) - 1)]), Floats("none"),
            Array("count", ArrayType.Int64, random.NextInt64(), 3L));
    }

    /// <summary>As a blob, and back.</summary>
    private static NamedArrays Travel(NamedArrays packed) => WeightsCodec.Decode(System.Buffers.BuffersExtensions.ToArray(WeightsCodec.Encode(packed)));

    private static NamedArray Bytes(string name, byte[] bytes) => new(name, ArrayType.UInt8, [bytes.Length], bytes);

    private static NamedArray Damage(NamedArray array, double at, byte value, bool cut)
    {
        var bytes = array.Data.ToArray();
        var index = (int)(at * bytes.Length);
        if (cut)
            return Bytes(array.Name, bytes[..index]);
        if (index < bytes.Length)
            bytes[index] = value;
        return Bytes(array.Name, bytes);
    }
}

using System.Buffers;
using System.Text;
using CsCheck;
using MantaLight.Weights;
using MantaLight.Weights.Packing;
using static MantaLight.Tests.Aggregation.Models;

namespace MantaLight.Tests.Weights.Packing;

/// <summary>Packed blobs that anybody may have sent: they are refused by the format's own exceptions, and cost no more memory than they may.</summary>
public sealed class PackedFuzzTests
{
    private const long Budget = 1 << 20;
    private static readonly DeltaBase From = new(Of(Floats("w", Random(2))), Plans.Hash);

    public static TheoryData<string> Steps => ["zstd", "delta", "delta,zstd", "fp16", "fp16,zstd", "bf16", "int8 64", "int8,zstd", "delta,int8,zstd", "delta,top_k 0.1", "delta,top_k 0.1,int8,zstd"];

    [Theory]
    [MemberData(nameof(Steps))]
    public void Random_bytes_in_place_of_an_array_are_refused_or_harmless(string steps) => Gen.Byte.Array[0, 600].Sample(bytes =>
        Tolerate(() => Unpacker.Unpack(Of(Packed(steps)[0], Bytes("w", bytes)), From).Dispose()));

    [Theory]
    [MemberData(nameof(Steps))]
    public void Random_bytes_in_place_of_the_description_are_refused(string steps) => Gen.OneOf(Gen.Byte.Array[0, 200], Gen.String.Select(Encoding.UTF8.GetBytes)).Sample(bytes =>
        Assert.Throws<MalformedDataException>(() => Unpacker.Unpack(Of(Bytes(PackedHeader.ArrayName, bytes), Packed(steps)[1]), From)));

    [Theory]
    [MemberData(nameof(Steps))]
    public void A_blob_that_is_cut_or_changed_anywhere_is_refused_or_harmless(string steps)
    {
        var whole = WeightsCodec.Encode(Packed(steps)).ToArray();
        Gen.Select(Gen.Int[0, whole.Length - 1], Gen.Byte, Gen.Bool).Sample((at, value, cut) => Tolerate(() =>
        {
            byte[] bytes = cut ? whole[..at] : [.. whole[..at], value, .. whole[(at + 1)..]];
            using var packed = WeightsCodec.Decode(bytes);
            Unpacker.Unpack(packed, From).Dispose();
        }));
    }

    [Theory]
    [MemberData(nameof(Steps))]
    public void A_description_of_far_more_than_there_is_costs_next_to_nothing(string steps)
    {
        var packed = Packed(steps);
        var header = Encoding.UTF8.GetString(packed[0].Data.Span).Replace("[300]", "[15000000]", StringComparison.Ordinal);
        var bomb = Of(Bytes(packed[0].Name, Encoding.UTF8.GetBytes(header)), packed[1]);
        var refusal = Allocations.Of(() => Tolerate(() => Unpacker.Unpack(bomb, From).Dispose()));
        Assert.InRange(refusal, 0, Budget);
    }

    [Theory]
    [MemberData(nameof(Steps))]
    public void Packing_and_unpacking_allocate_nothing_of_the_size_of_a_model(string steps)
    {
        var plan = Plans.Of(steps);
        var random = new float[1 << 20];
        using var model = Of(Floats("w", random), Floats("b", random));
        var from = new DeltaBase(model, Plans.Hash);
        void Travel()
        {
            var (packed, residual) = Packer.Pack(plan, model, plan.IsDelta ? from : null, null);
            Unpacker.Unpack(packed, plan.IsDelta ? from : null).Dispose();
            packed.Dispose();
            residual?.Dispose();
        }
        // The pool may have been trimmed, or others may have what it had.
        Assert.InRange(Enumerable.Range(0, 5).Min(_ => Allocations.Of(Travel)), 0, Budget);
    }

    private static void Tolerate(Action action)
    {
        try
        {
            action();
        }
        catch (MantaLightException e) when (e is MalformedDataException or IncompatibleWeightsException)
        {
            // What the format's readers are to throw.
        }
    }

    private static NamedArrays Packed(string steps) => Packer.Pack(Plans.Of(steps), Of(Floats("w", Random(1))), From, null).Weights;

    private static float[] Random(int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, 300).Select(_ => random.NextSingle() - 0.5f)];
    }

    private static NamedArray Bytes(string name, byte[] bytes) => Array(name, ArrayType.UInt8, bytes);

    private static class Allocations
    {
        public static long Of(Action action)
        {
            action();
            var before = GC.GetAllocatedBytesForCurrentThread();
            action();
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }
    }
}

using System.Text;
using MantaLight.Weights;
using MantaLight.Weights.Packing;
using static MantaLight.Tests.Aggregation.Models;

namespace MantaLight.Tests.Weights.Packing;

/// <summary>The bytes of each codec, as others have to write and read them: NumPy has made the values, the zstd program the frames.</summary>
public sealed class GoldenBytesTests
{
    private static readonly NamedArrays Values = Of(Floats("w", 1, -2, 1 / 3f, 131_008, 1e-8f, -0.0f, 3.1415927f, 0.5f));
    private static readonly DeltaBase From = new(Of(Floats("w", 0.5f, -2, 0.25f, 131_000, 0, 0, 3, 0.75f)), Plans.Hash);

    [Theory]
    [InlineData("fp16", "003C00C05535FF7B0000008048420038")]
    [InlineData("bf16", "803F00C0AB3E00482C3200804940003F")]
    [InlineData("int8 16", "E4F180440000007F00000000")]
    [InlineData("delta", "0000800000000000ABAA2A000004000077CC2B3200000080DB0F09000000C0FF")]
    [InlineData("delta,fp16", "00380000552D004800000080883000B4")]
    [InlineData("delta,bf16", "003F0000AB3D00412C320080113E80BE")]
    [InlineData("delta,int8", "0402813D0800017F000002FC")]
    [InlineData("delta,top_k 0.3", "0000000003000000040000000000003F00000041000080BE")]
    [InlineData("delta,top_k 0.3,fp16", "0000000003000000040000000038004800B4")]
    [InlineData("delta,top_k 0.3,int8 16", "0000000003000000040000000402813D087FFC")]
    public void Values_have_these_bytes(string steps, string expected)
    {
        var plan = Plans.Of(steps);
        using var packed = Packer.Pack(plan, Values, plan.IsDelta ? From : null, null).Weights;
        Assert.Equal(expected, Convert.ToHexString(packed["w"].Data.Span));
    }

    [Theory]
    [InlineData("fp16,zstd", """{"steps":["fp16","zstd"],"arrays":[{"name":"w","dtype":"float32","shape":[8]}]}""")]
    [InlineData("delta,int8,zstd 9", """{"steps":["delta","int8","zstd 9"],"base":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","arrays":[{"name":"w","dtype":"float32","shape":[8]}]}""")]
    public void The_first_array_says_what_the_others_are(string steps, string expected)
    {
        using var packed = Packer.Pack(Plans.Of(steps), Values, From, null).Weights;
        Assert.Equal("mantalight.packing/1", packed[0].Name);
        Assert.Equal(expected, Encoding.UTF8.GetString(packed[0].Data.Span));
    }

    [Theory]
    [InlineData("fp16", "[8]", "28B52FFD2010810000000055FF000048003CC0357B00804238", "003C00C05535FF7B0000008048420038")]
    [InlineData("", "[1000]", "28B52FFD64A00E850000200000803E031000E42B215FDDE57F2C9C6B23AD", "0000803E")]
    public void Frames_of_the_zstd_program_are_read(string values, string shape, string frame, string first)
    {
        var header = $$"""{"steps":[{{(values.Length == 0 ? "" : $"\"{values}\",")}}"zstd"],"arrays":[{"name":"w","dtype":"float32","shape":{{shape}}}]}""";
        using var packed = Of(
            Array(PackedHeader.ArrayName, ArrayType.UInt8, Encoding.UTF8.GetBytes(header)), Array("w", ArrayType.UInt8, Convert.FromHexString(frame)));
        using var unpacked = Unpacker.Unpack(packed, null);
        using var again = Packer.Pack(Plans.Of(values.Length == 0 ? "zstd" : values), unpacked, null, null).Weights;
        Assert.StartsWith(first, Convert.ToHexString(values.Length == 0 ? unpacked["w"].Data.Span : again["w"].Data.Span), StringComparison.Ordinal);
    }
}

using System.Buffers;
using CsCheck;
using MantaLight.Weights;

namespace MantaLight.Tests.Weights;

public sealed class WeightsCodecPropertyTests
{
    private static readonly Gen<NamedArray> Arrays =
        from name in Gen.String[1, 40].Where(IsUnicode)
        from type in Gen.Enum<ArrayType>()
        from shape in Gen.Long[0, 6].Array[0, 4]
        from data in Gen.Byte.Array[(int)shape.Aggregate((long)type.SizeInBytes(), (a, b) => a * b)]
        select new NamedArray(name, type, shape, type == ArrayType.Bool ? [.. data.Select(b => (byte)(b & 1))] : data);

    private static readonly Gen<NamedArrays> Models = Arrays.List[0, 8].Select(list => new NamedArrays(list.DistinctBy(a => a.Name)));

    /// <summary>Any byte, or a header with a length of 32 bits: the places where readers go wrong.</summary>
    private static readonly Gen<byte[]> Damages = Gen.OneOf(
        Gen.Byte.Select(b => new[] { b }),
        from code in OneOf(0xC6, 0xC9, 0xDB, 0xDD, 0xDF)
        from high in OneOf(0, 0x7F, 0x80, 0xFF)
        from low in Gen.Byte
        select new[] { code, high, high, high, low });

    [Fact]
    public void What_was_written_is_read() => Gen.Select(Models, Gen.Int[1, 300]).Sample((weights, piece) =>
    {
        byte[] bytes = WeightsCodec.Encode(weights).ToArray();
        foreach (var blob in new[] { new ReadOnlySequence<byte>(bytes), Sequences.InPiecesOf(piece, bytes) })
        {
            using var read = WeightsCodec.Decode(blob);
            Assert.Null(weights.DifferenceFrom(read));
            Assert.All(weights, a => Assert.True(a.Data.Span.SequenceEqual(read[a.Name].Data.Span)));
            Assert.Equal(bytes, WeightsCodec.Encode(read).ToArray());
        }
    }, iter: 300);

    [Fact]
    public void Damaged_bytes_are_read_or_refused_but_never_anything_else() => Gen.Select(
        Models,
        Gen.Select(Gen.Int[0, int.MaxValue], Damages).Array[1, 4],
        Gen.Int[0, 20]).Sample((weights, changes, cut) =>
    {
        byte[] bytes = WeightsCodec.Encode(weights).ToArray();
        foreach (var (at, value) in changes)
            value.AsSpan(0, Math.Min(value.Length, bytes.Length - (at % bytes.Length))).CopyTo(bytes.AsSpan(at % bytes.Length));
        bytes = bytes[..^Math.Min(cut, bytes.Length)];
        try
        {
            using var read = WeightsCodec.Decode(bytes);
            Assert.True(read.TotalBytes <= bytes.Length);
        }
        catch (MalformedDataException)
        {
            // The other permitted outcome.
        }
    }, iter: 5_000);

    [Fact]
    public void Noise_is_refused() => Gen.Byte.Array[0, 200].Sample(
        bytes => Assert.Throws<MalformedDataException>(() => WeightsCodec.Decode(bytes)), iter: 2_000);

    private static Gen<byte> OneOf(params byte[] bytes) => Gen.Int[0, bytes.Length - 1].Select(i => bytes[i]);

    private static bool IsUnicode(string text) => !text.Any(char.IsSurrogate);
}

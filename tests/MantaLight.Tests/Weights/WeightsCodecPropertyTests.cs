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
        Gen.Select(Gen.Int[0, int.MaxValue], Gen.Byte).Array[1, 4],
        Gen.Int[0, 20]).Sample((weights, changes, cut) =>
    {
        byte[] bytes = WeightsCodec.Encode(weights).ToArray();
        foreach (var (at, value) in changes)
            bytes[at % bytes.Length] = value;
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

    private static bool IsUnicode(string text) => !text.Any(char.IsSurrogate);
}

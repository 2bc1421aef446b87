using System.Buffers;

namespace MantaLight.Weights;

/// <summary>
/// Weights as they travel: a MessagePack map <c>{ "format": "mantalight.weights/1", "tensors": [ { name, dtype, shape,
/// data } … ] }</c> in the model's order, the data little-endian. A tensor may have an entry <c>pad</c> before its data,
/// whose only purpose is that the data begin at a multiple of 64 bytes.
/// </summary>
public static class WeightsCodec
{
    /// <summary>The value of <c>format</c>.</summary>
    public const string Format = "mantalight.weights/1";

    /// <summary>The most tensors in a blob.</summary>
    public const int MaximumTensors = 10_000;

    /// <summary>The most dimensions of a tensor.</summary>
    public const int MaximumDimensions = 32;

    /// <summary>Where data begin: at a multiple of this many bytes, where the writer padded.</summary>
    internal const int Alignment = 64;

    /// <summary>
    /// The blob, without a copy of the data: its segments are small headers and the arrays' own memory, so that it must not
    /// be used after <paramref name="weights"/> are disposed. The same weights always give the same bytes.
    /// </summary>
    /// <exception cref="MalformedDataException">More tensors or dimensions than a blob may have, or a name that is not Unicode.</exception>
    public static ReadOnlySequence<byte> Encode(NamedArrays weights) => WeightsEncoder.Encode(weights);

    /// <summary>
    /// Reads a blob from an untrusted source. Tensors whose data lie in one piece are views into the blob, others are
    /// copied, so that nothing beyond the blob's own size is ever allocated.
    /// </summary>
    /// <param name="blob">The bytes; they must not change or go while the result is in use.</param>
    /// <param name="owner">What the result disposes with itself, for example what the bytes were rented from.</param>
    /// <exception cref="MalformedDataException">
    /// Not exactly such a blob: foreign format, unknown or repeated entries, sizes that do not fit, bytes missing or left
    /// over. <paramref name="owner"/> then still belongs to the caller.
    /// </exception>
    public static NamedArrays Decode(ReadOnlySequence<byte> blob, IDisposable? owner = null) => WeightsDecoder.Decode(blob, owner);

    /// <inheritdoc cref="Decode(ReadOnlySequence{byte}, IDisposable?)"/>
    public static NamedArrays Decode(ReadOnlyMemory<byte> blob, IDisposable? owner = null) =>
        WeightsDecoder.Decode(new ReadOnlySequence<byte>(blob), owner);

    /// <summary>The index, in row-major order, of the first NaN or infinity; null where there is none, as in all integer arrays.</summary>
    public static long? FirstNonFinite(this NamedArray array) => FiniteCheck.FirstNonFinite(array);

    /// <summary>Copies the elements in the same read in which they are checked: a check of its own would take half as long as the copy.</summary>
    /// <param name="array">The array.</param>
    /// <param name="target">As many bytes. Where there is NaN or an infinity, some of them have been written.</param>
    /// <returns>The index, in row-major order, of the first NaN or infinity; null where there is none.</returns>
    /// <exception cref="ArgumentException"><paramref name="target"/> is shorter.</exception>
    public static long? CopyFinite(this NamedArray array, Span<byte> target) => FiniteCheck.Copy(array, target);
}

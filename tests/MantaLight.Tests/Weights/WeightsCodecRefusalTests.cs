using System.Buffers;
using MantaLight.Weights;
using MessagePack;

namespace MantaLight.Tests.Weights;

public sealed class WeightsCodecRefusalTests
{
    public static TheoryData<string, byte[], string> Malformed => new()
    {
        { "nothing", [], "too early" },
        { "nil", [0xC0], "not a map" },
        { "JSON", "{\"format\":1}"u8.ToArray(), "not a map" },
        { "an empty map", [0x80], "missing" },
        { "a map that lies about its size", [0xDF, 0xFF, 0xFF, 0xFF, 0xFF, 0xA6], "too early" },
        { "another format", Blob((ref w) => w.WriteArrayHeader(0), format: "mantalight.weights/2"), "mantalight.weights/1" },
        { "format twice", Pack((ref w) => { w.WriteMapHeader(2); Format(ref w); Format(ref w); }), "twice" },
        { "an unknown key", Pack((ref w) => { w.WriteMapHeader(1); w.Write("pickle"); w.WriteNil(); }), "unknown" },
        { "a key of a megabyte", Pack((ref w) => { w.WriteMapHeader(1); w.Write(new string('k', 1 << 20)); w.WriteNil(); }), "at most 16" },
        { "tensors that are no array", Blob((ref w) => w.Write(1)), "not an array" },
        { "2^32-1 tensors", [.. Blob((ref w) => w.WriteArrayHeader(0))[..^1], 0xDD, 0xFF, 0xFF, 0xFF, 0xFF], "" },
        { "10,001 tensors", Blob((ref w) => { w.WriteArrayHeader(10_001); for (var i = 0; i < 10_001; i++) Tensor(ref w, $"{i}", "float32", [0], 0); }), "10,001" },
        { "a tensor that is nil", Blob((ref w) => { w.WriteArrayHeader(1); w.WriteNil(); }), "not a map" },
        { "a tensor without data", Blob((ref w) => { w.WriteArrayHeader(1); w.WriteMapHeader(1); w.Write("name"); w.Write("a"); }), "lacks" },
        { "a dtype that does not exist", One("a", "float8", [1], 1), "float8" },
        { "an empty name", One("", "int8", [1], 1), "name" },
        { "a name of 257 characters", One(new string('n', 257), "int8", [1], 1), "256" },
        { "a shape with too few elements", One("a", "float32", [2], 4), "4 bytes" },
        { "a shape with too many elements", One("a", "float32", [2], 12), "12 bytes" },
        { "a negative dimension", One("a", "float32", [-1, -1], 4), "-1" },
        { "a product that overflows to the right size", One("a", "int8", [1L << 32, 1L << 32], 0), "0 bytes" },
        { "33 dimensions", One("a", "int8", [.. Enumerable.Repeat(1L, 33)], 1), "33" },
        { "two tensors of one name", Blob((ref w) => { w.WriteArrayHeader(2); Tensor(ref w, "a", "int8", [1], 1); Tensor(ref w, "a", "int8", [1], 1); }), "'a'" },
        { "a bool of 2", Blob((ref w) => { w.WriteArrayHeader(1); Tensor(ref w, "a", "bool", [1], 1, fill: 2); }), "bool" },
        { "a byte too many", [.. One("a", "int8", [1], 1), 0], "left over" },
        { "a byte too few", One("a", "int8", [5], 5)[..^1], "too early" },
        { "data that lie about their length", [.. One("a", "int8", [300], 300)[..^303], 0xC6, 0x7F, 0xFF, 0xFF, 0xFF, 1, 2], "too early" },
        { "a key of 2^32-1 bytes", [0x82, 0xDB, 0xFF, 0xFF, 0xFF, 0xFF, 1], "Not a weights blob" },
        { "data of 2^31 bytes", [.. One("a", "int8", [300], 300)[..^303], 0xC6, 0x80, 0, 0, 0, 1, 2], "Not a weights blob" },
        { "a map of 2^31 entries", [0xDF, 0x80, 0, 0, 0, 0xA6], "Not a weights blob" },
        { "nesting without an end", [.. Blob((ref w) => w.WriteArrayHeader(1))[..^1], .. Enumerable.Repeat((byte)0x91, 1 << 20)], "not a map" },
        { "data that are a string", Blob((ref w) => { w.WriteArrayHeader(1); w.WriteMapHeader(1); w.Write("data"); w.Write("x"); }), "not binary" },
        { "a pad of 64 bytes", Blob((ref w) => { w.WriteArrayHeader(1); w.WriteMapHeader(1); w.Write("pad"); w.Write(new byte[64]); }), "pad" },
        { "a name that is not UTF-8", Blob((ref w) => { w.WriteArrayHeader(1); w.WriteMapHeader(1); w.Write("name"); w.WriteString([0xFF, 0xFE]); }), "Not a weights blob" },
    };

    [Theory]
    [MemberData(nameof(Malformed))]
    public void Bytes_that_are_not_weights_are_refused(string what, byte[] bytes, string message)
    {
        foreach (var blob in new[] { new ReadOnlySequence<byte>(bytes), Sequences.InPiecesOf(3, bytes) })
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            var refusal = Assert.Throws<MalformedDataException>(() => WeightsCodec.Decode(blob));
            Assert.Contains(message, refusal.Message, StringComparison.Ordinal);
            Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < (20 * bytes.Length) + 4_000_000, $"{what} made the reader allocate");
        }
    }

    private delegate void Writing(ref MessagePackWriter writer);

    private static byte[] One(string name, string dtype, long[] shape, int bytes) => Blob((ref w) =>
    {
        w.WriteArrayHeader(1);
        Tensor(ref w, name, dtype, shape, bytes);
    });

    private static byte[] Blob(Writing tensors, string format = WeightsCodec.Format) => Pack((ref w) =>
    {
        w.WriteMapHeader(2);
        Format(ref w, format);
        w.Write("tensors");
        tensors(ref w);
    });

    private static void Format(ref MessagePackWriter writer, string format = WeightsCodec.Format)
    {
        writer.Write("format");
        writer.Write(format);
    }

    private static void Tensor(ref MessagePackWriter writer, string name, string dtype, long[] shape, int bytes, byte fill = 1)
    {
        writer.WriteMapHeader(4);
        writer.Write("name");
        writer.Write(name);
        writer.Write("dtype");
        writer.Write(dtype);
        writer.Write("shape");
        writer.WriteArrayHeader(shape.Length);
        foreach (var dimension in shape)
            writer.Write(dimension);
        writer.Write("data");
        writer.Write(Enumerable.Repeat(fill, bytes).ToArray());
    }

    private static byte[] Pack(Writing write)
    {
        var buffer = new ArrayBufferWriter<byte>();
        var writer = new MessagePackWriter(buffer);
        write(ref writer);
        writer.Flush();
        return buffer.WrittenSpan.ToArray();
    }
}

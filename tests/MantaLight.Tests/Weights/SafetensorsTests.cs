using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using CsCheck;
using MantaLight.Weights;

namespace MantaLight.Tests.Weights;

public sealed class SafetensorsTests : IDisposable
{
    private static readonly ImmutableDictionary<string, string> None = ImmutableDictionary<string, string>.Empty;

    private static readonly Gen<NamedArray> Arrays =
        from name in Gen.String[1, 40].Where(t => !t.Any(char.IsSurrogate))
        from type in Gen.Enum<ArrayType>()
        from shape in Gen.Long[0, 6].Array[0, 4]
        from data in Gen.Byte.Array[(int)shape.Aggregate((long)type.SizeInBytes(), (a, b) => a * b)]
        select new NamedArray(name, type, shape, type == ArrayType.Bool ? [.. data.Select(b => (byte)(b & 1))] : data);

    private static readonly Gen<NamedArrays> Models = Arrays.List[0, 8].Select(list => new NamedArrays(list.DistinctBy(a => a.Name)));

    private static readonly Gen<Dictionary<string, string>> Metadata =
        Gen.Dictionary(Gen.String[0, 20], Gen.String[0, 60])[0, 4].Where(d => !d.Any(p => (p.Key + p.Value).Any(char.IsSurrogate)));

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("mantalight-safetensors-");

    private string Path => System.IO.Path.Combine(folder.FullName, "x.safetensors");

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public async Task What_was_written_is_read_in_its_order_with_its_metadata() => await Gen.Select(Models, Metadata).SampleAsync(
        async (arrays, metadata) =>
        {
            await Safetensors.WriteAsync(Path, arrays, metadata, Stop);
            var first = await File.ReadAllBytesAsync(Path, Stop);
            using var read = await Safetensors.ReadAsync(Path, Stop);
            Assert.Null(arrays.DifferenceFrom(read.Arrays));
            Assert.All(arrays, a => Assert.True(a.Data.Span.SequenceEqual(read.Arrays[a.Name].Data.Span)));
            Assert.Equal(metadata.OrderBy(m => m.Key, StringComparer.Ordinal), read.Metadata);
            await Safetensors.WriteAsync(Path, read.Arrays, read.Metadata, Stop);
            Assert.Equal(first, await File.ReadAllBytesAsync(Path, Stop));
        },
        iter: 100, threads: 1);

    [Fact]
    public async Task Data_begin_at_a_multiple_of_eight_and_each_array_at_one_of_its_element_size()
    {
        NamedArray[] arrays =
        [
            new("flags", ArrayType.Bool, [3], new byte[3]), new("half", ArrayType.Float16, [1], new byte[2]),
            new("wide", ArrayType.Float64, [2], new byte[16]), new("single", ArrayType.Float32, [3], new byte[12]),
        ];
        await Safetensors.WriteAsync(Path, arrays, None, Stop);
        var bytes = await File.ReadAllBytesAsync(Path, Stop);
        var length = (int)BinaryPrimitives.ReadUInt64LittleEndian(bytes);
        Assert.Equal(0, length % 8);
        using var header = JsonDocument.Parse(bytes.AsMemory(8, length));
        Assert.Equal(["flags", "half", "wide", "single"], header.RootElement.EnumerateObject().Select(p => p.Name));
        Assert.All(arrays, a => Assert.Equal(0, header.RootElement.GetProperty(a.Name).GetProperty("data_offsets")[0].GetInt64() % a.Type.SizeInBytes()));
    }

    [Theory]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 3, "3 bytes of data are there, where its header tells of 4: it is cut short")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 5, "something was appended")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}""", 4, "F32 [2] has 4 bytes of data, which do not fit that shape")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}}""", 0, "do not fit that shape")]
    [InlineData("""{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}""", 4, "no integer of 0 or more")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}}""", 4, "no integer of 0 or more")]
    [InlineData("""{"a":{"dtype":"F8_E5M2","shape":[4],"data_offsets":[0,4]}}""", 4, "elements of type 'F8_E5M2'; those that are read are F32, F64")]
    [InlineData("""{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}""", 3, "the data of 'b' begin at 1, where those before end at 2")]
    [InlineData("""{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}}""", 3, "the data of 'b' begin at 2, where those before end at 1")]
    [InlineData("""{"a":{"dtype":"U8","shape":[2],"data_offsets":[2,0]}}""", 2, "end before they begin")]
    [InlineData("""{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}""", 1, "'a' is there twice")]
    [InlineData("""{"a":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}}""", 1, "a key 'dtype' that is unknown, twice there")]
    [InlineData("""{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"more":1}}""", 1, "a key 'more'")]
    [InlineData("""{"a":{"dtype":"U8","shape":[1]}}""", 1, "two 'data_offsets'")]
    [InlineData("""{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1,1]}}""", 1, "more than 2 numbers")]
    [InlineData("""{"a":{"dtype":"U8","shape":[[1]],"data_offsets":[0,1]}}""", 1, "something else than numbers")]
    [InlineData("""{"a":{"dtype":"BOOL","shape":[1],"data_offsets":[0,1]}}""", 1, "bytes other than 0 and 1")]
    [InlineData("""{"a":{"dtype":"U8","shape":[9223372036854775807],"data_offsets":[0,9223372036854775807]}}""", 1, "at most")]
    [InlineData("""{"":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}""", 1, "name has 0 characters")]
    [InlineData("""{"__metadata__":{"k":1}}""", 0, "'k' in '__metadata__' is not text")]
    [InlineData("""{"__metadata__":{"k":"1","k":"2"}}""", 0, "'k' is twice in '__metadata__'")]
    [InlineData("""{"__metadata__":{},"__metadata__":{}}""", 0, "'__metadata__' is there twice")]
    [InlineData("""["a"]""", 0, "it is not an object")]
    [InlineData("""{"a":""", 0, "not the JSON that it should be")]
    [InlineData("", 0, "not the JSON that it should be")]
    public async Task What_is_not_exactly_such_a_file_is_refused_with_the_reason(string header, int dataBytes, string problem)
    {
        await WriteAsync((ulong)Encoding.UTF8.GetByteCount(header), Encoding.UTF8.GetBytes(header), [.. Enumerable.Repeat((byte)7, dataBytes)]);
        var error = await Assert.ThrowsAsync<MalformedDataException>(() => Safetensors.ReadAsync(Path, Stop));
        Assert.Contains(problem, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(ulong.MaxValue, "at most 100,000,000 are read")]
    [InlineData(100_000_000ul, "cut short or no such file")]
    [InlineData(3ul, "cut short or no such file")]
    public async Task A_length_of_the_header_beyond_the_file_is_refused_before_anything_is_allocated(ulong length, string problem)
    {
        await WriteAsync(length, "{}"u8.ToArray(), []);
        // Allocations are counted by thread: only a read that ends on the thread on which it began tells them.
        for (var tries = 0; tries < 1000; tries++)
        {
            var (before, thread) = (GC.GetAllocatedBytesForCurrentThread(), Environment.CurrentManagedThreadId);
            var error = await Assert.ThrowsAsync<MalformedDataException>(() => Safetensors.ReadAsync(Path, Stop));
            var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.Contains(problem, error.Message, StringComparison.Ordinal);
            if (thread != Environment.CurrentManagedThreadId)
                continue;
            Assert.InRange(allocated, 0, 1_000_000);
            return;
        }
        Assert.Fail("No read ended on the thread on which it began.");
    }

    [Fact]
    public async Task Damaged_files_are_read_or_refused_but_never_anything_else() => await Gen.Select(
        Models, Gen.Select(Gen.Int[0, int.MaxValue], Gen.Byte).Array[1, 4], Gen.Int[0, 20]).SampleAsync(
        async (arrays, changes, cut) =>
        {
            await Safetensors.WriteAsync(Path, arrays, None, Stop);
            var bytes = await File.ReadAllBytesAsync(Path, Stop);
            foreach (var (at, value) in changes)
                bytes[at % bytes.Length] = value;
            await File.WriteAllBytesAsync(Path, bytes[..^Math.Min(cut, bytes.Length)], Stop);
            try
            {
                using var read = await Safetensors.ReadAsync(Path, Stop);
                Assert.True(read.Arrays.TotalBytes <= bytes.Length);
            }
            catch (MalformedDataException)
            {
                // The other permitted outcome.
            }
        },
        iter: 500, threads: 1);

    [Fact]
    public async Task Names_that_would_collide_are_not_written()
    {
        var error = await Assert.ThrowsAsync<MalformedDataException>(
            () => Safetensors.WriteAsync(Path, [new("__metadata__", ArrayType.UInt8, [1], new byte[1])], None, Stop));
        Assert.Contains("__metadata__", error.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<MalformedDataException>(
            () => Safetensors.WriteAsync(Path, [new("a", ArrayType.UInt8, [1], new byte[1]), new("a", ArrayType.UInt8, [1], new byte[1])], None, Stop));
        Assert.Empty(folder.EnumerateFiles());
    }

    private Task WriteAsync(ulong length, byte[] header, byte[] data)
    {
        var prefix = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(prefix, length);
        return File.WriteAllBytesAsync(Path, [.. prefix, .. header, .. data], Stop);
    }
}

using System.IO.Compression;
using System.Text;
using MantaLight.Weights;

namespace MantaLight.Tests.Weights;

public sealed class ArrayFileTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("mantalight-arrays-");

    public void Dispose() => folder.Delete(recursive: true);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_was_written_is_read_and_headers_tell_it_without_the_data(bool compress)
    {
        using var arrays = new NamedArrays(Enum.GetValues<ArrayType>().Where(t => t != ArrayType.BFloat16).Select(t =>
            new NamedArray(t.WireName(), t, [3, 0, 2], ReadOnlyMemory<byte>.Empty)).Append(Bytes("x_train", [2, 3], 1, 2, 3, 4, 5, 6)));
        var path = PathOf("new/folder/arrays.npz");

        await ArrayFile.WriteNpzAsync(path, arrays, compress, CancellationToken.None);

        using var read = await ArrayFile.ReadAsync(path, CancellationToken.None);
        Assert.Null(arrays.DifferenceFrom(read));
        Assert.Equal([1, 2, 3, 4, 5, 6], read["x_train"].Data.ToArray());
        var headers = await ArrayFile.ReadHeadersAsync(path, CancellationToken.None);
        Assert.Equal(arrays.Select(a => a.ToString()), headers.Select(h => $"{h.Name}: {h.Type.WireName()} [{string.Join(", ", h.Shape)}]"));
        Assert.Equal(2, headers[^1].Samples);
        Assert.Equal(["arrays.npz"], Directory.GetFiles(Path.GetDirectoryName(path)!).Select(Path.GetFileName));
    }

    [Fact]
    public async Task The_same_arrays_give_the_same_file()
    {
        using var arrays = new NamedArrays([Bytes("a", [3], 1, 2, 3)]);
        await ArrayFile.WriteNpzAsync(PathOf("1.npz"), arrays, false, CancellationToken.None);
        await ArrayFile.WriteNpzAsync(PathOf("2.npz"), arrays, false, CancellationToken.None);
        Assert.Equal(File.ReadAllBytes(PathOf("1.npz")), File.ReadAllBytes(PathOf("2.npz")));
    }

    [Fact]
    public async Task A_failed_write_leaves_the_old_file_and_nothing_else()
    {
        var path = PathOf("a.npz");
        File.WriteAllText(path, "old");
        using var foreign = new NamedArrays([new NamedArray("w", ArrayType.BFloat16, [1], new byte[2])]);
        var refusal = await Assert.ThrowsAsync<DatasetException>(() => ArrayFile.WriteNpzAsync(path, foreign, false, CancellationToken.None));
        Assert.Contains("bfloat16", refusal.Message, StringComparison.Ordinal);

        using var arrays = new NamedArrays([Bytes("a", [3], 1, 2, 3)]);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => ArrayFile.WriteNpzAsync(path, arrays, true, new CancellationToken(true)));
        Assert.Equal("old", File.ReadAllText(path));
        Assert.Single(Directory.GetFiles(folder.FullName));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Every_version_of_npy_is_read(byte version)
    {
        var path = Npy("{'descr': '<i2', 'fortran_order': False, 'shape': (2,), }", [1, 0, 0xFF, 0xFF], version);
        using var arrays = await ArrayFile.ReadAsync(path, CancellationToken.None);
        Assert.Equal("file: int16 [2]", Assert.Single(arrays).ToString());
        Assert.Equal([1, -1], arrays[0].Span<short>().ToArray());
    }

    [Theory]
    [InlineData("{\"shape\": ( 2 ,1 ), \"fortran_order\":False,\"descr\":\"|u1\"}   \n")]
    [InlineData("{'descr': '<u1', 'fortran_order': True, 'shape': (1, 2L), }\n")]
    [InlineData("{'descr': '<f2', 'fortran_order': False, 'shape': (), }")]
    public async Task Headers_that_other_writers_make_are_read(string header)
    {
        using var arrays = await ArrayFile.ReadAsync(Npy(header, [1, 2]), CancellationToken.None);
        Assert.Equal([1, 2], arrays[0].Data.ToArray());
    }

    [Theory]
    [InlineData("{'descr': '>f4', 'fortran_order': False, 'shape': (1,), }", "big-endian")]
    [InlineData("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 2), }", "ascontiguousarray")]
    [InlineData("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", "pickled")]
    [InlineData("{'descr': '<U4', 'fortran_order': False, 'shape': (1,), }", "<U4")]
    [InlineData("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", "structured")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", "float32 [2]")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", "dimension")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }", "dimension")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296), }", "float32")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': 1, }", "'('")]
    [InlineData("{'descr': '<f4', 'fortran_order': 0, 'shape': (1,), }", "True nor False")]
    [InlineData("{'descr': '<f4', 'fortran_order': False}", "lacks")]
    [InlineData("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", "'descr'")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} + x", "goes on")]
    [InlineData("__import__('os')", "lacks a '{'")]
    [InlineData("", "lacks a '{'")]
    public async Task An_npy_file_that_is_not_read_says_why(string header, string message)
    {
        var path = Npy(header, [1, 2, 3, 4]);
        foreach (var read in new Func<Task>[] { () => ArrayFile.ReadAsync(path, CancellationToken.None), () => ArrayFile.ReadHeadersAsync(path, CancellationToken.None) })
        {
            var refusal = await Assert.ThrowsAsync<DatasetException>(read);
            Assert.Contains(message, refusal.Message, StringComparison.Ordinal);
            Assert.Contains(path, refusal.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_file_that_is_not_there_or_no_array_file_is_named()
    {
        await Refused(PathOf("missing.npz"), "is not there");
        File.WriteAllBytes(PathOf("noise.npz"), [1, 2, 3]);
        await Refused(PathOf("noise.npz"), "as an .npz file");
        File.WriteAllBytes(PathOf("noise.npy"), new byte[200]);
        await Refused(PathOf("noise.npy"), "pickled");
        Directory.CreateDirectory(PathOf("folder.npz"));
        await Refused(PathOf("folder.npz"), "folder.npz");
        File.WriteAllBytes(PathOf("lie.npy"), [0x93, .. "NUMPY"u8, 2, 0, 0xFF, 0xFF, 0xFF, 0xFF]);
        await Refused(PathOf("lie.npy"), "4,294,967,295");
        File.WriteAllBytes(PathOf("future.npy"), [0x93, .. "NUMPY"u8, 9, 0, 0, 0]);
        await Refused(PathOf("future.npy"), "9.0");
    }

    [Fact]
    public async Task A_flipped_bit_in_the_data_is_noticed()
    {
        var path = PathOf("a.npz");
        using var arrays = new NamedArrays([Bytes("a", [8], 11, 22, 33, 44, 55, 66, 77, 88)]);
        await ArrayFile.WriteNpzAsync(path, arrays, false, CancellationToken.None);
        var bytes = File.ReadAllBytes(path);
        bytes[bytes.AsSpan().IndexOf(arrays[0].Data.Span) + 3] ^= 1;
        File.WriteAllBytes(path, bytes);
        await Refused(path, "checksum");
    }

    [Fact]
    public async Task A_member_whose_header_promises_more_than_it_holds_is_refused_before_memory_is_taken()
    {
        var path = PathOf("bomb.npz");
        using (var zip = ZipFile.Open(path, ZipArchiveMode.Create))
        {
            using var member = zip.CreateEntry("x.npy").Open();
            member.Write(NpyBytes("{'descr': '|u1', 'fortran_order': False, 'shape': (2000000000,), }", new byte[1000]));
        }
        await Refused(path, "2000000000");

        // And the directory may lie as well: 24 is where it keeps the unpacked size.
        var bytes = File.ReadAllBytes(path);
        var directory = bytes.AsSpan().LastIndexOf("PK\u0001\u0002"u8);
        BitConverter.TryWriteBytes(bytes.AsSpan(directory + 24), 2_000_000_128u);
        File.WriteAllBytes(path, bytes);
        var before = GC.GetTotalAllocatedBytes();
        await Refused(path, "cannot be");
        Assert.True(GC.GetTotalAllocatedBytes() - before < 1_000_000_000, "memory was taken for what cannot be there");
    }

    [Fact]
    public async Task A_member_that_is_no_array_is_refused()
    {
        var path = PathOf("a.npz");
        using (var zip = ZipFile.Open(path, ZipArchiveMode.Create))
            zip.CreateEntry("readme.txt");
        await Refused(path, "readme.txt");
    }

    private static NamedArray Bytes(string name, long[] shape, params byte[] data) => new(name, ArrayType.UInt8, shape, data);

    private static async Task Refused(string path, string message)
    {
        var refusal = await Assert.ThrowsAsync<DatasetException>(() => ArrayFile.ReadAsync(path, CancellationToken.None));
        Assert.Contains(message, refusal.Message, StringComparison.Ordinal);
        Assert.Contains(path, refusal.Message, StringComparison.Ordinal);
    }

    private string PathOf(string name) => Path.Combine(folder.FullName, name);

    private string Npy(string header, byte[] data, byte version = 1)
    {
        File.WriteAllBytes(PathOf("file.npy"), NpyBytes(header, data, version));
        return PathOf("file.npy");
    }

    private static byte[] NpyBytes(string header, byte[] data, byte version = 1) =>
    [
        0x93, .. "NUMPY"u8, version, 0,
        .. version == 1 ? BitConverter.GetBytes((ushort)header.Length) : BitConverter.GetBytes((uint)header.Length),
        .. Encoding.ASCII.GetBytes(header), .. data,
    ];
}

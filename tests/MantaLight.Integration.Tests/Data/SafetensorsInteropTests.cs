using System.Collections.Immutable;
using System.Runtime.InteropServices;
using MantaLight.Weights;

namespace MantaLight.Integration.Tests.Data;

/// <summary>Files of another language's bytes, made and read there with nothing but its own library: the format is that small.</summary>
public sealed class SafetensorsInteropTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("mantalight-safetensors-");

    private string File => Path.Combine(folder.FullName, "x.safetensors");

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public async Task What_Python_packs_is_read()
    {
        await Python.RequireAsync("struct");
        await Python.RunAsync(
            """
            import json, struct, sys
            parts = [("d", "F64", [1], struct.pack("<d", 2.5)), ("f", "F32", [2, 3], struct.pack("<6f", *range(6))), ("i", "I64", [2], struct.pack("<2q", -1, 1 << 40)),
                ("h", "F16", [2], struct.pack("<2e", 1, -2)), ("bf", "BF16", [1], struct.pack("<H", 0x3F80)), ("u", "U8", [], b"\x07"), ("b", "BOOL", [2], b"\x01\x00"), ("e", "I16", [0, 4], b"")]
            header, at = {"__metadata__": {"who": "Zürich"}}, 0
            for name, dtype, shape, data in parts:
                header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + len(data)]}
                at += len(data)
            text = json.dumps(header).encode()
            text += b" " * (-len(text) % 8)
            open(sys.argv[1], "wb").write(struct.pack("<Q", len(text)) + text + b"".join(p[3] for p in parts))
            """,
            File);
        using var read = await Safetensors.ReadAsync(File, Cancelled);
        Assert.Equal(
            ["d: float64 [1]", "f: float32 [2, 3]", "i: int64 [2]", "h: float16 [2]", "bf: bfloat16 [1]", "u: uint8 []", "b: bool [2]", "e: int16 [0, 4]"],
            read.Arrays.Select(a => a.ToString()));
        Assert.Equal("Zürich", read.Metadata["who"]);
        Assert.Equal([0f, 1, 2, 3, 4, 5], read.Arrays["f"].Span<float>().ToArray());
        Assert.Equal([-1, 1L << 40], read.Arrays["i"].Span<long>().ToArray());
        Assert.Equal([(Half)1, (Half)(-2)], read.Arrays["h"].Span<Half>().ToArray());
        Assert.Equal([1, 0], read.Arrays["b"].Data.ToArray());
    }

    [Fact]
    public async Task What_was_written_here_is_unpacked_by_Python_with_every_array_aligned()
    {
        await Python.RequireAsync("struct");
        NamedArray[] arrays =
        [
            new("flag", ArrayType.Bool, [1], new byte[] { 1 }),
            new("wide", ArrayType.Float64, [2], MemoryMarshal.AsBytes<double>([0.5, -2]).ToArray()),
            new("single/ä", ArrayType.Float32, [3, 1], MemoryMarshal.AsBytes<float>([1, 2, 3]).ToArray()),
        ];
        await Safetensors.WriteAsync(File, arrays, ImmutableDictionary<string, string>.Empty.Add("round", "7"), Cancelled);
        var printed = await Python.RunAsync(
            """
            import json, struct, sys
            data = open(sys.argv[1], "rb").read()
            (n,) = struct.unpack_from("<Q", data)
            header = json.loads(data[8:8 + n])
            print(header.pop("__metadata__"), n % 8)
            end = 0
            for name, info in sorted(header.items(), key=lambda e: e[1]["data_offsets"]):
                begin, stop = info["data_offsets"]
                assert begin == end and begin % {"F64": 8, "F32": 4, "BOOL": 1}[info["dtype"]] == 0
                end = stop
                kind = {"F64": "d", "F32": "f", "BOOL": "?"}[info["dtype"]]
                print(ascii(name), info["shape"], [v for (v,) in struct.iter_unpack("<" + kind, data[8 + n + begin:8 + n + stop])])
            assert 8 + n + end == len(data)
            """,
            File);
        Assert.Equal(
            [
                "{'round': '7'} 0", "'wide' [2] [0.5, -2.0]", @"'single/\xe4' [3, 1] [1.0, 2.0, 3.0]", "'flag' [1] [True]",
            ],
            printed.Split('\n'));
    }
}

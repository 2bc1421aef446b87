using System.Buffers;
using System.Runtime.InteropServices;
using MantaLight.Weights;

namespace MantaLight.Integration.Tests.Data;

public sealed class PythonInteropTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("mantalight-python-");

    public void Dispose() => folder.Delete(recursive: true);

    [Theory]
    [InlineData("savez")]
    [InlineData("savez_compressed")]
    public async Task What_NumPy_saves_is_read(string save)
    {
        await Python.RequireAsync("numpy");
        var path = PathOf("theirs.npz");
        await Python.RunAsync(
            """
            import sys, numpy as np
            getattr(np, sys.argv[1])(sys.argv[2], f=np.arange(6, dtype='f4').reshape(2, 3), d=np.float64(2.5), h=np.array([1, -2], 'f2'),
                b=np.array([True, False]), i=np.array([[-1], [1 << 40]]), u=np.full((1000, 28, 28), 7, 'u1'), e=np.zeros((0, 4), 'i2'), **{'a/ä': np.arange(3, dtype='i4')})
            """,
            save, path);
        using var arrays = await ArrayFile.ReadAsync(path, CancellationToken.None);
        Assert.Equal(
            [
                "f: float32 [2, 3]", "d: float64 []", "h: float16 [2]", "b: bool [2]", "i: int64 [2, 1]", "u: uint8 [1000, 28, 28]", "e: int16 [0, 4]", "a/ä: int32 [3]",
            ],
            arrays.Select(a => a.ToString()));
        Assert.Equal([0f, 1, 2, 3, 4, 5], arrays["f"].Span<float>().ToArray());
        Assert.Equal(2.5, arrays["d"].Span<double>()[0]);
        Assert.Equal([(Half)1, (Half)(-2)], arrays["h"].Span<Half>().ToArray());
        Assert.Equal([1, 0], arrays["b"].Data.ToArray());
        Assert.Equal([-1, 1L << 40], arrays["i"].Span<long>().ToArray());
        Assert.Equal(-1, arrays["u"].Data.Span.IndexOfAnyExcept((byte)7));
        Assert.Equal(arrays.Select(a => a.Name), (await ArrayFile.ReadHeadersAsync(path, CancellationToken.None)).Select(h => h.Name));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_we_save_NumPy_reads(bool compress)
    {
        await Python.RequireAsync("numpy");
        var path = PathOf("ours.npz");
        using var arrays = Sample();
        await ArrayFile.WriteNpzAsync(path, arrays, compress, CancellationToken.None);
        Assert.Equal(Expected, await Python.RunAsync(
            """
            import sys, numpy as np
            with np.load(sys.argv[1], allow_pickle=False) as z:
                print(' '.join('%s %s %s %s' % (n, z[n].dtype.name, list(z[n].shape), z[n].ravel().tolist()) for n in z.files))
            """,
            path));
    }

    [Fact]
    public async Task Weights_on_the_wire_are_read_by_ten_lines_of_Python()
    {
        await Python.RequireAsync("numpy");
        await Python.RequireAsync("msgpack");
        var path = PathOf("weights.msgpack");
        using var arrays = Sample();
        await File.WriteAllBytesAsync(path, WeightsCodec.Encode(arrays).ToArray());
        Assert.Equal(Expected, await Python.RunAsync(
            """
            import sys, msgpack, numpy as np
            blob = msgpack.unpackb(open(sys.argv[1], 'rb').read())
            assert blob['format'] == 'mantalight.weights/1'
            weights = {t['name']: np.frombuffer(t['data'], t['dtype']).reshape(t['shape']) for t in blob['tensors']}
            print(' '.join('%s %s %s %s' % (n, w.dtype.name, list(w.shape), w.ravel().tolist()) for n, w in weights.items()))
            """,
            path));
    }

    [Fact]
    public async Task Weights_that_Python_packs_are_read()
    {
        await Python.RequireAsync("numpy");
        await Python.RequireAsync("msgpack");
        var path = PathOf("weights.msgpack");
        await Python.RunAsync(
            """
            import sys, msgpack, numpy as np
            w = {'fc.weight': np.arange(6, dtype='f4').reshape(2, 3), 'step': np.int64(7)}
            open(sys.argv[1], 'wb').write(msgpack.packb({'format': 'mantalight.weights/1',
                'tensors': [{'name': n, 'dtype': a.dtype.name, 'shape': a.shape, 'data': a.tobytes()} for n, a in w.items()]}))
            """,
            path);
        using var weights = WeightsCodec.Decode(await File.ReadAllBytesAsync(path));
        Assert.Equal(["fc.weight: float32 [2, 3]", "step: int64 []"], weights.Select(a => a.ToString()));
        Assert.Equal([0f, 1, 2, 3, 4, 5], weights["fc.weight"].Span<float>().ToArray());
    }

    private const string Expected = "fc1.weight float32 [2, 2] [1.0, -2.5, 3.0, 0.0] steps int64 [] [-9] mask bool [2] [True, False]";

    private static NamedArrays Sample() => new(
    [
        new NamedArray("fc1.weight", ArrayType.Float32, [2, 2], MemoryMarshal.AsBytes<float>([1, -2.5f, 3, 0]).ToArray()),
        new NamedArray("steps", ArrayType.Int64, [], MemoryMarshal.AsBytes<long>([-9]).ToArray()),
        new NamedArray("mask", ArrayType.Bool, [2], new byte[] { 1, 0 }),
    ]);

    private string PathOf(string name) => Path.Combine(folder.FullName, name);
}

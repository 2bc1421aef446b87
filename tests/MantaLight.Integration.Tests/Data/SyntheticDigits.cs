using System.Runtime.InteropServices;
using MantaLight.Cli.Data;
using MantaLight.Weights;

namespace MantaLight.Integration.Tests.Data;

/// <summary>A few images like MNIST's for each node, each digit a bar at a height of its own.</summary>
internal static class SyntheticDigits
{
    private const int Train = 96;
    private const int Test = 32;

    /// <summary>Writes them where <c>--data</c> looks.</summary>
    public static async Task WriteAsync(string folder, int nodes, CancellationToken cancellationToken, bool brokenTestData = false)
    {
        for (var n = 0; n < nodes; n++)
        {
            var path = new MnistPartitions { Nodes = nodes, Output = folder }.FileOf(n);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            NamedArray[] arrays =
            [
                Images("x_train", Train, n), Labels("y_train", Train),
                Images("x_test", Test, n), Labels("y_test", brokenTestData ? Test / 2 : Test),
            ];
            await ArrayFile.WriteNpzAsync(path, arrays, compress: false, cancellationToken);
        }
    }

    private static NamedArray Images(string name, int count, int node)
    {
        var pixels = new byte[count * 28 * 28];
        for (var i = 0; i < pixels.Length; i++)
            pixels[i] = (byte)((i % 784 / 78 == i / 784 % 10 ? 200 : 0) + ((i * 31) + node) % 50);
        return new NamedArray(name, ArrayType.UInt8, [count, 28, 28], pixels);
    }

    private static NamedArray Labels(string name, int count)
    {
        long[] labels = [.. Enumerable.Range(0, count).Select(i => i % 10L)];
        return new NamedArray(name, ArrayType.Int64, [count], MemoryMarshal.AsBytes(labels.AsSpan()).ToArray());
    }
}

using System.Runtime.InteropServices;
using MantaLight.Cli.Data;
using MantaLight.Weights;

namespace MantaLight.Integration.Tests.Cli;

/// <summary>The MNIST example on a few synthetic digits for two nodes.</summary>
internal static class FewDigits
{
    private const int Train = 96;
    private const int Test = 32;

    private static readonly Lazy<string> Text = new(() => File.ReadAllText(Path.Combine(Repository(), "examples", "Mnist", "swarm.json")));

    /// <summary>The example's definition; written apart from the project, its module is the one beside the tests.</summary>
    public static string Definition => Text.Value;

    /// <summary>Writes the nodes' data as <c>run --data</c> looks for them.</summary>
    public static async Task WriteAsync(string folder, bool brokenTestData = false)
    {
        for (var n = 0; n < 2; n++)
        {
            NamedArray[] arrays =
            [
                Images("x_train", Train, n), Labels("y_train", Train),
                Images("x_test", Test, n), Labels("y_test", brokenTestData ? Test / 2 : Test),
            ];
            await ArrayFile.WriteNpzAsync(FileOf(folder, n), arrays, compress: false, TestContext.Current.CancellationToken);
        }
    }

    public static string FileOf(string folder, int node) => new MnistPartitions { Nodes = 2, Output = folder }.FileOf(node);

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

    private static string Repository()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "MantaLight.sln")))
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("The tests do not lie in the repository.");
        return folder;
    }
}

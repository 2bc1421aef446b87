using MantaLight.Cli.Data;
using MantaLight.Integration.Tests.Data;

namespace MantaLight.Integration.Tests.Cli;

/// <summary>The MNIST example on a few synthetic digits for two nodes.</summary>
internal static class FewDigits
{
    private static readonly Lazy<string> Text = new(() => Read("swarm.json"));
    private static readonly Lazy<string> Smaller = new(() => Read("swarm.2nn.json"));

    /// <summary>The example's definition; written apart from the project, its module is the one beside the tests.</summary>
    public static string Definition => Text.Value;

    /// <summary>The example's definition of a smaller model.</summary>
    public static string TwoLayers => Smaller.Value;

    /// <summary>Writes the nodes' data as <c>run --data</c> looks for them.</summary>
    public static Task WriteAsync(string folder, bool brokenTestData = false) =>
        SyntheticDigits.WriteAsync(folder, nodes: 2, TestContext.Current.CancellationToken, brokenTestData);

    public static string FileOf(string folder, int node) => new MnistPartitions { Nodes = 2, Output = folder }.FileOf(node);

    private static string Read(string definition) => File.ReadAllText(Path.Combine(Repository(), "examples", "Mnist", definition));

    private static string Repository()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "MantaLight.sln")))
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("The tests do not lie in the repository.");
        return folder;
    }
}

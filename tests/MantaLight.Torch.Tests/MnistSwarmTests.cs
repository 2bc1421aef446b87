using MantaLight.Examples.Mnist;
using MantaLight.Swarms;
using MantaLight.Tasks;

namespace MantaLight.Torch.Tests;

public sealed class MnistSwarmTests
{
    /// <summary>The folder of the example; found from the built tests, since paths of sources may be mapped.</summary>
    internal static string Example { get; } = FindExample();

    [Fact]
    public void The_swarm_in_csharp_is_the_one_of_swarm_json() => Assert.Equal(
        SwarmJson.HashOf(SwarmJson.Parse(File.ReadAllBytes(Path.Combine(Example, "swarm.json")))),
        SwarmJson.HashOf(new MnistSwarm().ToDefinition()));

    [Theory]
    [InlineData("swarm.json")]
    [InlineData("swarm.99.json")]
    [InlineData("swarm.2nn.json")]
    [InlineData("swarm.fedbuff.json")]
    public void The_examples_definitions_name_tasks_and_options_that_there_are(string file) =>
        SwarmValidator.Check(SwarmJson.Parse(File.ReadAllBytes(Path.Combine(Example, file))), new TaskCatalog(typeof(MnistSwarm).Assembly));

    private static string FindExample()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "MantaLight.sln")))
                return Path.Combine(folder.FullName, "examples", "Mnist");
        }
        throw new InvalidOperationException($"No folder above {AppContext.BaseDirectory} holds MantaLight.sln.");
    }
}

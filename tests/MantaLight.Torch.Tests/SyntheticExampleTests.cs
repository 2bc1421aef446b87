using System.Security.Cryptography;
using System.Text.Json;
using MantaLight.Examples.Synthetic;
using MantaLight.Swarms;
using MantaLight.Tasks;
using MantaLight.Weights;

namespace MantaLight.Torch.Tests;

public sealed class SyntheticExampleTests : IDisposable
{
    private static readonly string Example = Path.Combine(Path.GetDirectoryName(MnistSwarmTests.Example)!, "Synthetic");

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("mantalight-synthetic-");

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public void Sizes_are_fifty_and_a_lognormal_number()
    {
        double[] logs = [.. SyntheticUsers.Make(400, new SyntheticOptions { Alpha = 0, Beta = 0 }, 5).Select(u => Math.Log(u.Count - 50 + 0.5))];

        Assert.InRange(logs.Average(), 3.5, 4.5);
        Assert.InRange(Deviation(logs), 1.7, 2.3);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(9)]
    [InlineData(59)]
    public void Around_a_users_centre_input_j_has_the_variance_j_to_the_minus_1_2(int input)
    {
        var user = SyntheticUsers.Make(30, new SyntheticOptions(), 1).MaxBy(u => u.Count)!;
        double[] values = [.. Enumerable.Range(0, user.Count).Select(i => (double)user.Samples[(i * SyntheticUsers.Inputs) + input])];

        Assert.Equal(1, Deviation(values) / Math.Pow(input + 1, -0.6), 0.1);
    }

    [Fact]
    public void Beta_spreads_the_users_centres_and_alpha_does_not()
    {
        Assert.InRange(SpreadOfMeans(new SyntheticOptions { Alpha = 9, Beta = 0 }), 0.05, 0.25);
        Assert.InRange(SpreadOfMeans(new SyntheticOptions { Alpha = 0, Beta = 3 }), 2.2, 3.8);

        // The mean over 60 inputs of a centre is B_k, but for 1/√60.
        static double SpreadOfMeans(SyntheticOptions options) => Deviation([.. SyntheticUsers.Make(100, options, 3).Select(u => u.Samples.Average(x => (double)x))]);
    }

    [Fact]
    public void Of_iid_users_one_linear_model_explains_all()
    {
        var users = SyntheticUsers.Make(6, new SyntheticOptions { Iid = true }, 2).ToArray();

        // Centres are zero, and no class is a user's own.
        Assert.All(users.Where(u => u.Count > 150), u => Assert.InRange(u.Samples.Average(x => (double)x), -0.05, 0.05));
        Assert.All(users, u => Assert.True(u.Labels.Distinct().Count() >= 6));
    }

    [Fact]
    public async Task A_seed_gives_the_same_files_with_a_tenth_kept_back()
    {
        var first = await GenerateAsync(1, 3);
        var again = await GenerateAsync(1, 4);
        var other = await GenerateAsync(2, 3);

        Assert.Equal(first, again[..3]);
        Assert.Empty(first.Intersect(other));
        using var arrays = await ArrayFile.ReadAsync(Path.Combine(folder.FullName, "2-3-0", "synthetic.npz"), Cancelled);
        Assert.Equal(["x_train", "y_train", "x_test", "y_test"], arrays.Select(a => a.Name));
        var (train, test) = (arrays["x_train"].Shape[0], arrays["x_test"].Shape[0]);
        Assert.Equal((train + test) * 9 / 10, train);
        Assert.True(train + test >= 50);
    }

    [Fact]
    public async Task Options_that_cannot_be_are_refused()
    {
        await Assert.ThrowsAsync<TaskContractException>(() => GenerateAsync(1, 1, """{ "alpha": -1 }"""));
        await Assert.ThrowsAsync<TaskContractException>(() => GenerateAsync(1, 1, """{ "gamma": 1 }"""));
    }

    [Fact]
    public void The_swarm_in_csharp_is_the_one_of_swarm_json() => Assert.Equal(
        SwarmJson.HashOf(SwarmJson.Parse(File.ReadAllBytes(Path.Combine(Example, "swarm.json")))),
        SwarmJson.HashOf(new SyntheticSwarm().ToDefinition()));

    [Fact]
    public void The_definitions_name_tasks_options_and_hyperparameters_that_there_are()
    {
        string[] files = Directory.GetFiles(Example, "swarm*.json");

        Assert.Equal(6, files.Length);
        Assert.All(files, file =>
        {
            var definition = SwarmJson.Parse(File.ReadAllBytes(file));
            SwarmValidator.Check(definition, new TaskCatalog(typeof(SyntheticSwarm).Assembly));
            Assert.Equal(0.9, TaskJson.Read<Hyperparameters>(definition.Globals["hyperparameters"], file).Stragglers!.Share);
        });
    }

    private async Task<string[]> GenerateAsync(ulong seed, int nodes, string options = "{}")
    {
        string[] folders = [.. Enumerable.Range(0, nodes).Select(n => Path.Combine(folder.FullName, $"{seed}-{nodes}-{n}"))];
        await new SyntheticGenerator().GenerateAsync(new GeneratorRequest { Folders = folders, Seed = seed, Options = JsonElement.Parse(options) }, Cancelled);
        return [.. folders.Select(f => Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(Path.Combine(f, "synthetic.npz")))))];
    }

    private static double Deviation(double[] values)
    {
        var mean = values.Average();
        return Math.Sqrt(values.Average(v => (v - mean) * (v - mean)));
    }
}

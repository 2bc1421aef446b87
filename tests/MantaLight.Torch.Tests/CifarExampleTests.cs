using System.Text.Json;
using MantaLight.Examples.Cifar10;
using MantaLight.Protocol;
using MantaLight.Swarms;
using MantaLight.Tasks;
using MantaLight.Torch.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace MantaLight.Torch.Tests;

public sealed class CifarExampleTests
{
    private const int Parameters = 10;

    private static readonly string Example = Path.Combine(MnistSwarmTests.Example, "..", "Cifar10");

    [Fact]
    public void The_models_have_62006_and_122570_parameters()
    {
        using var small = Made(new CifarModel());
        using var wide = Made(new WideModel());

        Assert.Equal(62_006, small.parameters().Sum(p => p.numel()));
        Assert.Equal(122_570, wide.parameters().Sum(p => p.numel()));
        // Means and deviations of colours are constants, no part of what is learnt or sent.
        Assert.Equal(Parameters, small.state_dict().Count);
    }

    [Fact]
    public void An_image_gets_ten_scores_and_nothing_else_of_it_stays()
    {
        using var small = Made(new CifarModel());
        using var wide = Made(new WideModel());
        using var images = rand(7, 3, 32, 32);
        using var noGradients = no_grad();
        var before = LeakGuardAttribute.LiveTensors;
        using var scores = small.call(images);
        using var widely = wide.call(images);

        Assert.Equal([7, 10], scores.shape);
        Assert.Equal([7, 10], widely.shape);
        Assert.Equal(before + 2, LeakGuardAttribute.LiveTensors);
    }

    [Fact]
    public void Colours_are_normalized_in_the_model()
    {
        using var model = Made(new CifarModel());
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        // The mean colour is zeros to the first layer: whatever its weights are, its biases come out.
        var mean = tensor(new[] { 0.4914f, 0.4822f, 0.4465f }).view(1, 3, 1, 1).expand(1, 3, 32, 32);
        model.state_dict()["convolution1.weight"].mul_(1000);
        var of = model.call(mean);
        model.state_dict()["convolution1.weight"].mul_(0.001f);

        Assert.True(of.allclose(model.call(mean), atol: 1e-5));
        Assert.False(of.allclose(model.call(mean * 0.5f), atol: 1e-5));
    }

    [Fact]
    public void The_swarm_in_csharp_is_the_one_of_swarm_json() => Assert.Equal(
        SwarmJson.HashOf(Definition("swarm.json")), SwarmJson.HashOf(new CifarSwarm().ToDefinition()));

    [Theory]
    [InlineData("swarm.json")]
    [InlineData("swarm.wide.json")]
    public void The_definitions_name_tasks_options_and_hyperparameters_that_there_are(string file)
    {
        var definition = Definition(file);
        SwarmValidator.Check(definition, new TaskCatalog(typeof(CifarSwarm).Assembly));
        Assert.NotNull(TaskJson.Read<Hyperparameters>(definition.Globals["hyperparameters"], file).ValAccThreshold);
    }

    [Fact]
    public void Patterns_repeat_from_their_seed_and_no_two_nodes_have_the_same()
    {
        var (once, again, other) = (ColourPatterns.Make(0, 42, 20, 10), ColourPatterns.Make(0, 42, 20, 10), ColourPatterns.Make(1, 42, 20, 10));

        Assert.Equal(["x_train uint8 [20, 3, 32, 32]", "y_train int64 [20]", "x_test uint8 [10, 3, 32, 32]", "y_test int64 [10]"], once.Select(a => a.ToString().Replace(":", "", StringComparison.Ordinal)));
        Assert.All(once.Zip(again), pair => Assert.True(pair.First.Data.Span.SequenceEqual(pair.Second.Data.Span)));
        Assert.False(once[0].Data.Span.SequenceEqual(other[0].Data.Span));
        Assert.Equal(Enumerable.Range(0, 20).Select(i => (long)(i % 10)), once[1].Span<long>().ToArray());
    }

    [Fact]
    public async Task A_swarm_learns_to_tell_patterns_apart()
    {
        const int Rounds = 5, Nodes = 2;
        var definition = Definition("swarm.json");
        definition = definition with
        {
            Globals = definition.Globals.SetItem("hyperparameters", JsonElement.Parse("""{ "batch_size": 10, "optimizer_params": { "lr": 0.03, "momentum": 0.9 } }""")),
            Rounds = definition.Rounds with { Maximum = Rounds, MinimumNodes = Nodes },
        };

        var end = await VirtualRun.RunAsync<Worker>(definition, "cifar10", [.. Enumerable.Range(0, Nodes).Select(n => ColourPatterns.Make(n, 1, 300, 60))]);
        LeakGuardAttribute.ParametersMade(Parameters * (1 + (Rounds * Nodes * 2)));
        LeakGuardAttribute.CollectWhatTorchSharpLeaves();

        Assert.Equal((RunStatus.Completed, Rounds), (end.Status, end.Round));
        var accuracy = end.History.Select(h => h.Metrics["test_metrics.accuracy"]).ToArray();
        Assert.True(accuracy[^1] > 0.3, string.Join(", ", accuracy));
    }

    private static TModel Made<TModel>(TModel model)
    {
        LeakGuardAttribute.ParametersMade(Parameters);
        LeakGuardAttribute.CollectWhatTorchSharpLeaves();
        return model;
    }

    private static SwarmDefinition Definition(string file) => SwarmJson.Parse(File.ReadAllBytes(Path.Combine(Example, file)));
}

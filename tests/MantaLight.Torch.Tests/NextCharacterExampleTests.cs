using System.Collections.Immutable;
using System.Text.Json;
using MantaLight.Examples.NextCharacter;
using MantaLight.Protocol;
using MantaLight.Swarms;
using MantaLight.Tasks;
using MantaLight.Torch.Tests.Support;
using MantaLight.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace MantaLight.Torch.Tests;

public sealed class NextCharacterExampleTests
{
    // Those that TorchSharp counts twice: of the output. Torch itself makes the others.
    private const int Parameters = 2;

    private static readonly string Example = Path.Combine(MnistSwarmTests.Example, "..", "NextCharacter");

    [Fact]
    public void The_model_has_83945_parameters()
    {
        using var model = Model();
        Assert.Equal(83_945, model.parameters().Sum(p => p.numel()));
        Assert.Equal(7, model.state_dict().Count);
    }

    [Fact]
    public void Every_character_of_a_window_gets_scores_and_no_state_stays_behind()
    {
        using var model = Model();
        using var windows = WindowsOf("The red planet dims.", "The brig has sighted");
        using var noGradients = no_grad();
        var before = LeakGuardAttribute.LiveTensors;

        using (var scores = model.call(windows))
            Assert.Equal([2, Alphabet.Size, 20], scores.shape);
        Assert.Equal(before, LeakGuardAttribute.LiveTensors);
    }

    [Fact]
    public void What_comes_later_in_a_window_is_not_seen_before_and_windows_do_not_mix()
    {
        using var model = Model();
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var one = model.call(WindowsOf("abcdefgh", "12345678"));
        var other = model.call(WindowsOf("abcdXXXX", "YYYYYYYY"));

        Assert.True(one[0].narrow(1, 0, 4).allclose(other[0].narrow(1, 0, 4)));
        Assert.False(one[0].narrow(1, 4, 4).allclose(other[0].narrow(1, 4, 4)));
    }

    [Fact]
    public void To_go_on_from_a_state_is_to_read_the_whole()
    {
        using var model = Model();
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var whole = model.call(WindowsOf("The pear tree wants rain"))[0].select(1, -1);

        var (_, state) = model.Continue(Alphabet.Encode("The pear tree "), null);
        var (scores, after) = model.Continue(Alphabet.Encode("wants rain"), state);

        Assert.True(whole.allclose(scores, atol: 1e-5));
        Assert.Equal([1, 1, 128], after.Hidden.shape);
    }

    [Fact]
    public void The_swarm_in_csharp_is_the_one_of_swarm_json() => Assert.Equal(
        SwarmJson.HashOf(Definition()), SwarmJson.HashOf(new NextCharacterSwarm().ToDefinition()));

    [Fact]
    public void The_definition_names_tasks_options_and_hyperparameters_that_there_are()
    {
        SwarmValidator.Check(Definition(), new TaskCatalog(typeof(NextCharacterSwarm).Assembly));
        TaskJson.Read<Hyperparameters>(Definition().Globals["hyperparameters"], "swarm.json");
    }

    [Theory]
    [InlineData("""{ "prompt": "" }""", "prompt")]
    [InlineData("""{ "length": 0 }""", "length is 0")]
    [InlineData("""{ "temperature": 0 }""", "temperature is 0")]
    [InlineData("""{ "temprature": 1 }""", "temprature")]
    public void Options_of_speak_that_cannot_be_are_refused_with_the_definition(string options, string message)
    {
        var json = File.ReadAllText(Path.Combine(Example, "swarm.json")).Replace("\"type\": \"Speak\",", $"\"type\": \"Speak\", \"options\": {options},", StringComparison.Ordinal);
        var refusal = Assert.ThrowsAny<Exception>(() => SwarmValidator.Check(SwarmJson.Parse(System.Text.Encoding.UTF8.GetBytes(json)), new TaskCatalog(typeof(Speak).Assembly)));
        Assert.Contains(message, refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Speaking_repeats_from_its_seed_and_keeps_no_state()
    {
        using var model = Model();
        using var weights = model.ToWeights();
        async Task<string> SpokenAsync(ulong seed)
        {
            using var speaking = Model();
            var attempt = await new MemoryAttempt { Seed = seed }.With("global_model_params", weights).RunAsync(new Speak(speaking));
            return attempt.Results["spoken"].GetProperty("text").GetString()!;
        }
        var before = LeakGuardAttribute.LiveTensors;

        var text = await SpokenAsync(1UL << 40);

        Assert.StartsWith("The ", text, StringComparison.Ordinal);
        Assert.Equal("The ".Length + 120, text.Length);
        Assert.Equal(text, await SpokenAsync(1UL << 40));
        Assert.NotEqual(text, await SpokenAsync(1UL << 41));
        Assert.Equal(before, LeakGuardAttribute.LiveTensors);
    }

    [Fact]
    public async Task Nodes_that_speak_of_other_things_learn_together_and_repeat_bit_for_bit()
    {
        var once = await RunAsync(slots: 1);
        var accuracy = once.End.History.Select(h => h.Metrics["test_metrics.accuracy"]).ToArray();
        // Blanks are a sixth of the text: whoever always tells one is no better than that.
        Assert.True(accuracy[^1] > 0.22 && accuracy[^1] <= 1, string.Join(", ", accuracy));
        Assert.Equal(3, once.Spoken.Count);

        var again = await RunAsync(slots: 2);
        Assert.Equal(once.End.History.Select(h => h.GlobalSha256), again.End.History.Select(h => h.GlobalSha256));
        Assert.Equal(once.Spoken, again.Spoken);
    }

    private static async Task<(SwarmState End, List<string> Spoken)> RunAsync(int slots)
    {
        const int Rounds = 3, Nodes = 2;
        var spoken = new List<string>();
        var texts = Speeches.Deal(Speeches.BySpeaker(Play.Write(7, 60)), Nodes);
        var definition = Definition() with { Globals = Faster, Rounds = new RoundsDefinition { Maximum = Rounds, MinimumNodes = Nodes } };
        var end = await VirtualRun.RunAsync<Worker>(
            definition, "text", [.. texts.Select(t => Windows.Of(t, 20))],
            (tag, value) =>
            {
                if (tag == "spoken")
                    spoken.Add(value.GetProperty("text").GetString()!);
            },
            slots);
        LeakGuardAttribute.ParametersMade(Parameters * (1 + (Rounds * ((2 * Nodes) + 1))));
        LeakGuardAttribute.CollectWhatTorchSharpLeaves();
        Assert.Equal((RunStatus.Completed, Rounds), (end.Status, end.Round));
        return (end, spoken);
    }

    private static ImmutableSortedDictionary<string, JsonElement> Faster =>
        Definition().Globals.SetItem("hyperparameters", JsonElement.Parse("""{ "epochs": 2, "batch_size": 8, "lr": 3 }"""));

    private static CharacterModel Model()
    {
        var model = new CharacterModel();
        LeakGuardAttribute.ParametersMade(Parameters);
        LeakGuardAttribute.CollectWhatTorchSharpLeaves();
        return model;
    }

    /// <summary>As a loader gives them.</summary>
    private static Tensor WindowsOf(params string[] texts)
    {
        using var scope = NewDisposeScope();
        return stack([.. texts.Select(t => tensor(Alphabet.Encode(t)).to(ScalarType.Float32).div_(255))]).MoveToOuterDisposeScope();
    }

    private static SwarmDefinition Definition() => SwarmJson.Parse(File.ReadAllBytes(Path.Combine(Example, "swarm.json")));
}

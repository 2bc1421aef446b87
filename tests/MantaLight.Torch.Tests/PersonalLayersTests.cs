using MantaLight.Tasks;
using MantaLight.Torch.Tests.Support;
using MantaLight.Torch.Training;
using MantaLight.Weights;

namespace MantaLight.Torch.Tests;

/// <summary>Layers that stay on their node.</summary>
public sealed class PersonalLayersTests(TinyData data) : IClassFixture<TinyData>
{
    private const string Hyperparameters = """{ "personal": ["output.*"], "epochs": 2, "optimizer_params": { "lr": 0.1 } }""";

    [Fact]
    public async Task The_global_has_the_others_only_and_theirs_begin_with_first_values_of_their_own()
    {
        var set = await InitialAsync();
        Assert.Equal(["hidden.weight", "hidden.bias"], set.GlobalWeights["global_model_params"].Select(a => a.Name));
        Assert.Equal(["output.weight", "output.bias"], set.GlobalWeights["global_model_params_personal"].Select(a => a.Name));
    }

    [Fact]
    public async Task A_node_trains_its_own_and_sends_the_others()
    {
        var set = await InitialAsync();
        var first = await RoundAsync(set);
        Assert.Equal(["hidden.weight", "hidden.bias"], first.ResultWeights["model_params"].Weights.Select(a => a.Name));
        var own = first.Kept["global_model_params_personal"];
        Assert.Equal(["output.weight", "output.bias"], own.Select(a => a.Name));
        Assert.NotEqual(Bits(set.GlobalWeights["global_model_params_personal"]), Bits(own));
        // The next round goes on from them, and not from the first values.
        var second = await RoundAsync(set, first);
        Assert.NotEqual(Bits(own), Bits(second.Kept["global_model_params_personal"]));
        Assert.NotEqual(Bits(first.ResultWeights["model_params"].Weights), Bits(second.ResultWeights["model_params"].Weights));
        // What was sent is what it would be with the whole model on the node: the first round of one that shares everything.
        var shared = await RoundAsync(set, hyperparameters: Hyperparameters.Replace("\"personal\": [\"output.*\"], ", "", StringComparison.Ordinal), whole: true);
        Assert.Equal(Bits(first.ResultWeights["model_params"].Weights), Bits(new NamedArrays(shared.ResultWeights["model_params"].Weights.Take(2))));
    }

    [Fact]
    public async Task A_test_takes_the_node_s_own_and_one_that_has_none_the_first_values()
    {
        var set = await InitialAsync();
        var trained = await RoundAsync(set, hyperparameters: Hyperparameters.Replace("\"epochs\": 2", "\"epochs\": 20", StringComparison.Ordinal));
        set.GlobalWeights["global_model_params"] = trained.ResultWeights["model_params"].Weights;
        var (first, own) = (set.GlobalWeights["global_model_params_personal"], trained.Kept["global_model_params_personal"]);
        Assert.Equal(await TestWholeAsync(set, own), await TestAsync(set, trained));
        Assert.Equal(await TestWholeAsync(set, first), await TestAsync(set, null));
        Assert.NotEqual(await TestAsync(set, null), await TestAsync(set, trained));
    }

    [Theory]
    [InlineData("head.*", "'head.*' fits no tensor of TinyModel; there are: hidden.weight, hidden.bias, output.weight, output.bias")]
    [InlineData("output", "'output' fits no tensor")]
    [InlineData("*", "all tensors of TinyModel would stay on their nodes")]
    public async Task A_name_that_fits_nothing_is_refused_with_those_that_there_are(string pattern, string reason)
    {
        var refusal = await Assert.ThrowsAsync<TaskContractException>(() => InitialAsync(Hyperparameters.Replace("output.*", pattern, StringComparison.Ordinal)));
        Assert.Contains(reason, refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_global_that_has_them_is_refused()
    {
        using var model = new TinyModel();
        using var whole = model.ToWeights();
        var set = await InitialAsync();
        set.With("global_model_params", whole);
        var refusal = await Assert.ThrowsAsync<IncompatibleWeightsException>(() => RoundAsync(set));
        Assert.Contains("The global 'global_model_params' has 'output.weight', which is personal", refusal.Message, StringComparison.Ordinal);
        var none = new MemoryAttempt { Datasets = data.Mapping }.With("hyperparameters", Hyperparameters).With("global_model_params", whole);
        using var other = new TinyModel();
        Assert.Contains("no global 'global_model_params_personal'", (await Assert.ThrowsAsync<TaskContractException>(() => none.RunAsync(new TinyWorker(other)))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Batch_normalization_can_be_personal_with_its_running_statistics()
    {
        using var model = new NormalizedModel();
        LeakGuardAttribute.ParametersMade(4 + 1); // BatchNorm's constructor leaves one to the finalizers
        var personal = PersonalLayers.Of(model, ["normalization.*"])!;
        Assert.Equal(
            ["normalization.bias", "normalization.num_batches_tracked", "normalization.running_mean", "normalization.running_var", "normalization.weight"],
            model.state_dict().Keys.Where(personal.Contains).Order(StringComparer.Ordinal));
        Assert.False(personal.Contains("convolution.weight"));
    }

    [Fact]
    public async Task With_control_variates_these_are_of_the_shared_layers_alone()
    {
        var set = await InitialAsync();
        var done = await RoundAsync(set, hyperparameters: """{ "control_variates": "scaffold", "personal": ["output.*"], "optimizer_params": { "lr": 0.1 } }""");
        Assert.Equal(["hidden.weight", "hidden.bias"], done.ResultWeights["model_params_control"].Weights.Select(a => a.Name));
    }

    private static async Task<MemoryAttempt> InitialAsync(string hyperparameters = Hyperparameters) =>
        await new MemoryAttempt().With("hyperparameters", hyperparameters).RunAsync(new TinyInitializer());

    private async Task<MemoryAttempt> RoundAsync(MemoryAttempt set, MemoryAttempt? before = null, string hyperparameters = Hyperparameters, bool whole = false)
    {
        var attempt = Next(set, before, hyperparameters);
        if (whole)
            attempt.With("global_model_params", new NamedArrays([.. set.GlobalWeights["global_model_params"], .. set.GlobalWeights["global_model_params_personal"]]));
        using var model = new TinyModel();
        return await attempt.RunAsync(new TinyWorker(model));
    }

    private Task<double> TestAsync(MemoryAttempt set, MemoryAttempt? before) => LossAsync(Next(set, before, Hyperparameters));

    private Task<double> TestWholeAsync(MemoryAttempt set, NamedArrays output) =>
        LossAsync(Next(set, null, "{}").With("global_model_params", new NamedArrays([.. set.GlobalWeights["global_model_params"], .. output])));

    private static async Task<double> LossAsync(MemoryAttempt attempt)
    {
        using var model = new TinyModel();
        return (await attempt.RunAsync(new TinyTest(model))).Results["test_metrics"].GetProperty("loss").GetDouble();
    }

    private MemoryAttempt Next(MemoryAttempt set, MemoryAttempt? before, string hyperparameters) =>
        new MemoryAttempt { Datasets = data.Mapping, Before = before?.Kept ?? [] }.With("hyperparameters", hyperparameters)
            .With("global_model_params", set.GlobalWeights["global_model_params"]).With("global_model_params_personal", set.GlobalWeights["global_model_params_personal"]);

    private static string Bits(NamedArrays weights) => string.Join(";", weights.Select(a => $"{a.Name}={Convert.ToHexString(a.Data.Span)}"));
}

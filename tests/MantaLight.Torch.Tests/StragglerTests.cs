using System.Text.Json;
using MantaLight.Tasks;
using MantaLight.Torch.Tests.Support;

namespace MantaLight.Torch.Tests;

public sealed class StragglerTests(TinyData data) : IClassFixture<TinyData>
{
    [Fact]
    public void As_many_straggle_as_the_share_says_and_get_to_each_number_of_epochs_alike()
    {
        var options = new StragglerOptions { Share = 0.9 };
        int[] epochs = [.. Enumerable.Range(0, 20_000).Select(i => options.EpochsOf(20, (ulong)i)!.Value)];

        // Nine tenths of a twentieth each, and the tenth that is never late with the most; within five standard deviations.
        Assert.All(Enumerable.Range(1, 19), e => Assert.InRange(epochs.Count(x => x == e), 750, 1_050));
        Assert.InRange(epochs.Count(x => x == 20), 2_650, 3_150);
    }

    [Fact]
    public void Who_straggles_is_the_same_whatever_becomes_of_it()
    {
        var (partial, drop) = (new StragglerOptions { Share = 0.5 }, new StragglerOptions { Share = 0.5, Policy = StragglerPolicy.Drop });

        Assert.All(Enumerable.Range(0, 1000), i => Assert.Equal(partial.EpochsOf(1_000_000, (ulong)i) == 1_000_000, drop.EpochsOf(1_000_000, (ulong)i) is not null));
    }

    [Fact]
    public async Task A_straggler_does_whole_epochs_and_its_steps_are_told()
    {
        var seed = SeedOf(e => e == 3);
        var done = await TrainAsync("\"partial\"", seed);

        Assert.Equal(3 * 13, done.Results["train_metrics"].GetProperty("steps").GetInt32());
        Assert.Equal(TinyData.TrainCount, done.ResultWeights["model_params"].Samples);
    }

    [Fact]
    public async Task A_straggler_that_drops_out_adds_nothing()
    {
        var done = await TrainAsync("\"drop\"", SeedOf(e => e < 5));

        Assert.Empty(done.Results);
        Assert.Empty(done.ResultWeights);
    }

    [Theory]
    [InlineData("""{ "share": 0 }""", "stragglers.share is 0")]
    [InlineData("""{ "share": 1.5 }""", "stragglers.share is 1.5")]
    [InlineData("""{ "share": 0.5, "polcy": "drop" }""", "stragglers.polcy is not known; known are: share, policy")]
    [InlineData("""{ "policy": "drop" }""", "share")]
    public void What_cannot_be_is_refused(string stragglers, string message)
    {
        var refused = Assert.Throws<TaskContractException>(() => TaskJson.Read<Hyperparameters>(JsonElement.Parse($"{{ \"stragglers\": {stragglers} }}"), "hyperparameters"));
        Assert.Contains(message, refused.Message, StringComparison.Ordinal);
    }

    private static ulong SeedOf(Predicate<int> wanted) =>
        Enumerable.Range(0, 1000).Select(i => (ulong)i).First(s => wanted(new StragglerOptions { Share = 0.9 }.EpochsOf(5, s)!.Value));

    private async Task<MemoryAttempt> TrainAsync(string policy, ulong seed)
    {
        using var model = new TinyModel();
        using var weights = model.ToWeights();
        return await data.Attempt($$"""{ "epochs": 5, "batch_size": 16, "lr": 0.05, "stragglers": { "share": 0.9, "policy": {{policy}} } }""", weights, seed)
            .RunAsync(new TinyWorker(model), TestContext.Current.CancellationToken);
    }
}

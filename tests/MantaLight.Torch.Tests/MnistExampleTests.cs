using System.Text.Json;
using MantaLight.Examples.Mnist;
using MantaLight.Tasks;
using MantaLight.Torch.Tests.Support;

namespace MantaLight.Torch.Tests;

public class MnistExampleTests
{
    [Fact]
    public void The_model_has_669706_parameters()
    {
        using var model = new MnistModel();
        LeakGuardAttribute.ParametersMade(6);

        Assert.Equal(669_706, model.parameters().Sum(p => p.numel()));
    }

    [Theory]
    [InlineData("swarm.json", 0.01, null)]
    [InlineData("swarm.99.json", 0.05, 12.0)]
    public void The_definitions_hold_hyperparameters_that_can_be_read(string file, double rate, double? rotation)
    {
        var read = TaskJson.Read<Hyperparameters>(
            Definition(file).GetProperty("globals").GetProperty("hyperparameters"), file);

        Assert.Equal(rate, read.OptimizerParams!["lr"].GetDouble());
        Assert.Equal(rotation, read.Augmentation?.Rotation);
    }

    [Fact]
    public async Task The_scheduler_weighs_by_samples_and_stops_at_the_threshold()
    {
        var attempt = await Tests("""{ "val_acc_threshold": 0.98 }""").RunAsync(new Scheduler());

        Assert.Equal(0.9812, attempt.Results["global_metrics"].GetProperty("accuracy").GetDouble(), 10);
        Assert.Equal((true, true, "accuracy 0.9812 reached 0.98"), (attempt.Requests.Request!.Stop, attempt.Requests.Request.Converged, attempt.Requests.Request.Reason));
    }

    [Theory]
    [InlineData("""{ "val_acc_threshold": 0.99 }""")]
    [InlineData("{}")]
    public async Task The_scheduler_goes_on_below_the_threshold_or_without_one(string hyperparameters)
    {
        var attempt = await Tests(hyperparameters).RunAsync(new Scheduler());

        Assert.Equal((false, null), (attempt.Requests.Request!.Stop, attempt.Requests.Request.Alias));
    }

    [Fact]
    public async Task The_scheduler_says_so_when_there_are_no_tests()
    {
        await Assert.ThrowsAsync<TaskContractException>(() => new MemoryAttempt().With("hyperparameters", "{}").RunAsync(new Scheduler()));
    }

    private static MemoryAttempt Tests(string hyperparameters) => new MemoryAttempt()
        .With("hyperparameters", hyperparameters)
        .WithResult("node_0", "test_metrics", """{ "accuracy": 0.99, "loss": 0.1, "samples": 5600, "correct": 5544 }""")
        .WithResult("node_1", "test_metrics", """{ "accuracy": 0.97, "loss": 0.2, "samples": 4400, "correct": 4268 }""");

    private static JsonElement Definition(string file) => JsonElement.Parse(File.ReadAllText(Path.Combine(MnistSwarmTests.Example, file)));
}

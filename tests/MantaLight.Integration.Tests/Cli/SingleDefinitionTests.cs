using System.Text;
using MantaLight.Cli.Comparing;
using MantaLight.Examples.Mnist;
using MantaLight.Swarms;
using MantaLight.Tasks;

namespace MantaLight.Integration.Tests.Cli;

/// <summary>What a definition is for one participant.</summary>
public sealed class SingleDefinitionTests
{
    private static readonly TaskCatalog Catalog = new([typeof(Worker).Assembly]);

    [Theory]
    [InlineData("FedAvg", """{ "contributions": "deltas" }""", """{"contributions":"deltas"}""")]
    [InlineData("Aggregate", """{ "aggregate": ["clip 1.0", "krum f=2"], "global": "model" }""", """{"global":"model"}""")]
    [InlineData("FedAdam", """{ "lr": 0.03 }""", null)]
    [InlineData("FedNova", "{}", null)]
    public void Whatever_combines_is_the_mean_with_the_tags_that_it_had(string type, string options, string? expected)
    {
        var aggregator = Single(type, options).Find("aggregator")!;
        Assert.Equal("FedAvg", aggregator.Type);
        Assert.Equal(expected, aggregator.Options.ValueKind == System.Text.Json.JsonValueKind.Undefined ? null : aggregator.Options.GetRawText());
    }

    [Fact]
    public void What_is_there_because_of_others_or_would_make_epochs_differ_is_left_out_and_the_rest_stays()
    {
        var single = Single("FedAvg", "{}");
        Assert.Equal("""{"epochs":3,"lr":0.1}""", single.Globals["hyperparameters"].GetRawText());
        Assert.Empty(single.Codecs);
        Assert.Empty(single.Find("worker")!.SpecifiedIds);
        Assert.Equal((7, 1, 1.0), (single.Rounds.Maximum, single.Rounds.MinimumNodes, single.Rounds.Quorum));
        Assert.Equal("""{"metric":"test_metrics.accuracy"}""", single.Find("scheduler")!.Options.GetRawText());
        Assert.Equal(5u, single.Seed);
        SwarmValidator.Check(single, Catalog);
    }

    [Fact]
    public void A_scheduler_goes_on_to_the_last_round_and_chooses_nobody()
    {
        var single = Single("FedAvg", "{}", """{ "alias": "scheduler", "type": "RoundScheduler", "method": "any", "maximum": 1, "after": ["test"], "options": { "stop": ["patience 3"], "select": "by_loss 0.5", "metrics": "test_metrics" } }""");
        Assert.Equal("""{"metrics":"test_metrics"}""", single.Find("scheduler")!.Options.GetRawText());
        SwarmValidator.Check(single, Catalog);
    }

    private const string Threshold = """{ "alias": "scheduler", "type": "ThresholdScheduler", "method": "any", "maximum": 1, "after": ["test"], "options": { "metric": "test_metrics.accuracy", "threshold": 0.9 } }""";

    private static SwarmDefinition Single(string type, string options, string scheduler = Threshold) => SingleDefinition.Of(
        SwarmJson.Parse(Encoding.UTF8.GetBytes($$"""
            { "name": "many", "module": "MantaLight.Examples.Mnist", "seed": 5,
              "globals": { "hyperparameters": { "epochs": 3, "lr": 0.1, "proximal_mu": 0.1, "participation": 0.5, "val_acc_threshold": 0.9 } },
              "codecs": { "model_params": ["delta", "int8"] },
              "setup": "initial_model",
              "tasks": [
                { "alias": "worker", "type": "Worker", "method": "all", "datasets": ["mnist"], "specified_ids": ["node_3"] },
                { "alias": "aggregator", "type": "{{type}}", "method": "any", "maximum": 1, "after": ["worker"], "options": {{options}} },
                { "alias": "test", "type": "Test", "method": "all", "datasets": ["mnist"], "after": ["aggregator"] },
                {{scheduler}} ],
              "rounds": { "maximum": 20, "quorum": 5 } }
            """)),
        Catalog, rounds: 7);
}

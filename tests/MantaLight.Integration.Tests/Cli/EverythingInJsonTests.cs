using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using MantaLight.Aggregation;
using MantaLight.Aggregation.Optimizers;
using MantaLight.Aggregation.Plans;
using MantaLight.Cli;
using MantaLight.Integration.Tests.Data;
using MantaLight.Privacy;
using MantaLight.Weights.Packing;

namespace MantaLight.Integration.Tests.Cli;

/// <summary>The table of what someone who edits JSON alone can have of the MNIST example, and of what is refused with the reason.</summary>
public sealed class EverythingInJsonTests(SevenOfFewDigits data) : IClassFixture<SevenOfFewDigits>
{
    /// <summary>What is changed: members of the definition, or of a task where they stand under its alias.</summary>
    public static TheoryData<string> Works =>
    [
        // Strategies by the names of their papers.
        """{ "aggregator": { "type": "FedAvg" } }""",
        """{ "aggregator": { "type": "FedAvgM", "options": { "lr": 0.5, "beta": 0.5 } } }""",
        """{ "aggregator": { "type": "FedAdagrad", "options": { "lr": 0.03 } } }""",
        """{ "aggregator": { "type": "FedAdam", "options": { "lr": 0.03 } } }""",
        """{ "aggregator": { "type": "FedYogi", "options": { "lr": 0.03 } } }""",
        """{ "aggregator": { "type": "FedNova" } }""",
        """{ "globals": { "hyperparameters": { "proximal_mu": 0.1 } } }""",
        """{ "aggregator": { "type": "Scaffold", "options": { "lr": 0.9, "participants": 7 } }, "globals": { "hyperparameters": { "control_variates": "scaffold" } } }""",
        // What stays on the nodes.
        """{ "worker": { "asynchronous": { "buffer": 3, "maximum_staleness": 5 } }, "aggregator": { "type": "FedBuff", "options": { "lr": 0.5 } } }""",
        """{ "worker": { "asynchronous": { "buffer": 3 } }, "aggregate": ["clip 5.0", "fed_buff staleness=constant", "adam lr=0.03"] }""",
        // Nobody sees a contribution.
        """{ "secure_aggregation": {} }""",
        """{ "secure_aggregation": { "bits": 64, "neighbours": 4, "weighted": false }, "aggregate": ["mean weights=uniform", "adam lr=0.03"] }""",
        """{ "secure_aggregation": { "bits": 32, "range": 1.0, "most_samples": 100 }, "codecs": { "global_model_params": ["fp16"] }, "globals": { "hyperparameters": { "local_privacy": ["clip 1.0", "gaussian 0.01"] } } }""",
        """{ "globals": { "hyperparameters": { "personal": ["output.*"] } } }""",
        // The same, and others, part by part.
        """{ "aggregate": ["scaffold lr=1"], "globals": { "hyperparameters": { "control_variates": "scaffold", "control_option": 1, "personal": ["*.bias"] } } }""",
        """{ "aggregate": ["mean weights=uniform"] }""",
        """{ "aggregate": ["mean weights=train_metrics.loss"] }""",
        """{ "aggregate": ["fed_nova", "momentum lr=0.5 nesterov=true"] }""",
        """{ "aggregate": ["median", "adagrad lr=0.03"] }""",
        """{ "aggregate": ["clip 1.0", "trimmed_mean 0.1", "adam lr=0.03"] }""",
        """{ "aggregate": ["krum f=2", "yogi lr=0.03"] }""",
        """{ "aggregate": [{ "part": "multi_krum", "f": 2, "m": 3 }] }""",
        """{ "aggregate": ["bulyan f=1"] }""",
        """{ "aggregate": ["geometric_median iterations=5 weights=uniform"] }""",
        """{ "aggregate": ["centered_clip 1.0 iterations=2"] }""",
        // Privacy.
        """{ "aggregate": ["clip 1.0", "private_mean noise=0.5 expected=7 budget=100 accountant=pld", "momentum"] }""",
        """{ "aggregate": ["clip 1.0", "private_mean noise=0.5 expected=6 sampling=0.9 noise_source=seed"], "globals": { "hyperparameters": { "participation": 0.9 } } }""",
        """{ "aggregate": ["adaptive_clip 0.1 quantile=0.6", "private_mean noise=1 expected=7", "momentum"] }""",
        """{ "aggregate": ["clip 1.0", "private_mean noise=4 expected=7 scheme=fixed population=7"] }""",
        """{ "globals": { "hyperparameters": { "dp_sgd": { "clip": 1.0, "noise": 1.1, "budget": 50 } } }, "aggregate": ["clip 1.0", "median"] }""",
        """{ "globals": { "hyperparameters": { "local_privacy": ["clip 1.0", "gaussian 0.5"] } }, "codecs": { "model_params": ["delta", "int8"] } }""",
        """{ "globals": { "hyperparameters": { "local_privacy": ["clip 1.0 norm=l1", "laplace b=0.01"], "dp_sgd": { "clip": 1.0, "noise": 1.1, "noise_source": "seed" } } } }""",
        // Codecs, alone and with what combines.
        """{ "codecs": { "model_params": ["fp16"] } }""",
        """{ "codecs": { "model_params": ["bf16", "zstd"], "global_model_params": ["fp16", "zstd"] } }""",
        """{ "codecs": { "model_params": ["delta", "top_k 0.1", "int8", "zstd"] }, "aggregate": ["median"] }""",
        """{ "codecs": { "model_params": ["delta", "int8"] }, "aggregate": ["clip 1.0", "multi_krum f=2", "adam lr=0.03"] }""",
    ];

    [Theory]
    [MemberData(nameof(Works))]
    public async Task It_works(string changes)
    {
        var run = await SimulateAsync(changes);
        Assert.True(run.Code == ExitCodes.Success, $"exit code {run.Code}\n{run.Output}\n{run.Error}");
        var rounds = JsonElement.Parse(await File.ReadAllBytesAsync(data.Summary, TestContext.Current.CancellationToken)).GetProperty("rounds");
        // Two rounds, and something was learnt in each.
        Assert.Equal(2, rounds.EnumerateArray().Select(r => r.GetProperty("global_sha256").GetString()).Distinct(StringComparer.Ordinal).Count());
    }

    [Theory]
    [InlineData("""{ "aggregate": ["krum f=3"] }""", "needs at least 2f + 3 = 9 contributions, and there are 7")]
    [InlineData("""{ "aggregate": ["private_mean noise=1 expected=7"] }""", "'private_mean' needs 'clip' before it")]
    [InlineData("""{ "aggregate": ["adaptive_clip 0.1 count_noise=0.1", "private_mean noise=1 expected=7"] }""", "above half the noise")]
    [InlineData("""{ "globals": { "hyperparameters": { "dp_sgd": { "clip": 1.0, "noise": 1.1, "sigma": 2 } } } }""", "dp_sgd.sigma is not known")]
    [InlineData("""{ "globals": { "hyperparameters": { "local_privacy": ["gaussian 0.5"] } } }""", "'gaussian' needs 'clip' before it")]
    [InlineData("""{ "aggregate": ["adam", "median"] }""", "'median' stands there twice or too late")]
    [InlineData("""{ "aggregate": ["mediann"] }""", "did you mean 'median'?")]
    [InlineData("""{ "aggregate": ["trimmed_mean 0.5"] }""", "a share of 0 to below 0.5")]
    [InlineData("""{ "globals": { "hyperparameters": { "proximal_mu": 0.1, "optimizer": "LBFGS" } } }""", "proximal_mu is not possible with LBFGS")]
    [InlineData("""{ "aggregate": ["clip 1.0", "private_mean noise=1 expected=6 sampling=0.9"] }""", "the hyper-parameters is 1: give both the same")]
    [InlineData("""{ "worker": { "asynchronous": { "buffer": 3 } }, "aggregate": ["median"] }""", "'median' takes models that began with one and the same")]
    [InlineData("""{ "worker": { "asynchronous": { "buffer": 3 } }, "aggregator": { "type": "FedBuff" }, "secure_aggregation": {} }""", "expected a task with a barrier")]
    [InlineData("""{ "secure_aggregation": {}, "aggregate": ["median"] }""", "looks at contributions one by one, and secure aggregation shows their sum alone")]
    [InlineData("""{ "secure_aggregation": {}, "aggregate": ["clip 1.0", "mean"] }""", "'clip' shortens contributions one by one, and secure aggregation shows none")]
    [InlineData("""{ "secure_aggregation": {}, "aggregate": ["clip 1.0", "private_mean noise=1 expected=7"] }""", "secure aggregation shows")]
    [InlineData("""{ "secure_aggregation": {}, "codecs": { "model_params": ["int8"] } }""", "masked numbers are as random as can be")]
    [InlineData("""{ "secure_aggregation": {}, "aggregator": { "type": "Scaffold" }, "globals": { "hyperparameters": { "control_variates": "scaffold" } } }""", "looks at contributions one by one")]
    [InlineData("""{ "secure_aggregation": {}, "aggregator": { "type": "FedNova" } }""", "looks at contributions one by one")]
    [InlineData("""{ "secure_aggregation": { "weighted": false } }""", "goes with")]
    [InlineData("""{ "aggregate": ["scaffold lr=1"] }""", "the hyper-parameters need \"control_variates\": \"scaffold\"")]
    [InlineData("""{ "aggregate": ["clip 1.0", "scaffold lr=1"] }""", "'clip' cannot stand beside 'scaffold'")]
    [InlineData("""{ "globals": { "hyperparameters": { "control_variates": "scaffold", "optimizer": "Adam" } } }""", "Take SGD, with or without momentum")]
    [InlineData("""{ "globals": { "hyperparameters": { "personal": ["head.*"] } } }""", "'head.*' fits no tensor of TwoLayers; there are: hidden1.weight")]
    [InlineData("""{ "codecs": { "model_params": ["zstd", "delta"] } }""", "delta")]
    [InlineData("""{ "codecs": { "global_model_params": ["delta"] } }""", "is a difference from 'global_model_params', which is itself")]
    public async Task It_is_refused_with_the_reason(string changes, string reason)
    {
        var run = await SimulateAsync(changes);
        Assert.NotEqual(ExitCodes.Success, run.Code);
        Assert.Contains(reason, run.Error + run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_swarm_ends_when_the_nodes_have_spent_their_budgets_and_says_what_was_spent()
    {
        // The first round's ε is 10.7, with the second it would be 16.5.
        var run = await SimulateAsync("""{ "globals": { "hyperparameters": { "batch_size": 1000, "dp_sgd": { "clip": 1.0, "noise": 0.5, "budget": 15 } } }, "rounds": { "maximum": 9 } }""");
        Assert.True(run.Code == ExitCodes.Success, $"exit code {run.Code}\n{run.Output}\n{run.Error}");
        Assert.Contains("privacy budget: all 7 nodes that were asked have spent theirs", run.Output, StringComparison.Ordinal);
        var epsilon = new RdpAccountant().Epsilon(new SampledGaussian(1, 0.5), 1, 1e-5).Epsilon;
        Assert.Contains(string.Create(CultureInfo.InvariantCulture, $"Privacy of samples: ε = {epsilon:F3} at δ = 1E-05"), run.Output, StringComparison.Ordinal);
        var report = JsonElement.Parse(await File.ReadAllBytesAsync(data.Summary, TestContext.Current.CancellationToken));
        Assert.Equal(2, report.GetProperty("rounds").GetArrayLength());
        Assert.Equal(("samples", true), (report.GetProperty("privacy")[0].GetProperty("of").GetString(), report.GetProperty("privacy")[0].GetProperty("private").GetBoolean()));
    }

    [Fact]
    public void The_table_has_every_strategy_rule_optimizer_and_codec()
    {
        var table = string.Join('\n', Works.Select(row => row.Data));
        string[] strategies = [.. typeof(AggregationTask).Assembly.GetTypes().Where(t => t.IsSubclassOf(typeof(AggregationTask))).Select(t => t.Name).Where(n => n != nameof(Aggregate))];
        Assert.NotEmpty(strategies);
        Assert.All(strategies, strategy => Assert.Contains($"\"{strategy}\"", table, StringComparison.Ordinal));
        Assert.All([.. RuleParts.Names, .. OptimizerParts.Names, .. PackingPlan.Known], part => Assert.Matches($"\"{part}[ \"]", table));
    }

    private Task<CliRun> SimulateAsync(string changes)
    {
        File.WriteAllText(data.Definition, Change(JsonNode.Parse(changes)!.AsObject()).ToJsonString());
        return CliRun.OfAsync("simulate", data.Definition, "--participants", $"{SevenOfFewDigits.Nodes}", "--rounds", "2", "--data", data.Folder, "--json", data.Summary);
    }

    private static JsonObject Change(JsonObject changes)
    {
        var definition = JsonNode.Parse(FewDigits.TwoLayers)!.AsObject();
        // All rounds are run, however soon the few digits are known.
        definition["globals"]!["hyperparameters"]!.AsObject().Remove("val_acc_threshold");
        foreach (var (member, value) in changes)
        {
            var task = definition["tasks"]!.AsArray().SingleOrDefault(t => (string?)t!["alias"] == (member == "aggregate" ? "aggregator" : member))?.AsObject();
            if (member == "aggregate")
                Merge(task!, new JsonObject { ["type"] = nameof(Aggregate), ["options"] = new JsonObject { ["aggregate"] = value!.DeepClone() } });
            else if (task is not null)
                Merge(task, value!.AsObject());
            else
                Merge(definition, new JsonObject { [member] = value!.DeepClone() });
        }
        return definition;
    }

    private static void Merge(JsonObject into, JsonObject changes)
    {
        foreach (var (name, value) in changes)
        {
            if (value is JsonObject inner && into[name] is JsonObject there)
                Merge(there, inner);
            else
                into[name] = value?.DeepClone();
        }
    }
}

/// <summary>Data of seven nodes.</summary>
public sealed class SevenOfFewDigits : IAsyncLifetime
{
    /// <summary>How many they are: enough for Bulyan with one byzantine node.</summary>
    public const int Nodes = 7;

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("mantalight-json-");

    public string Folder => folder.FullName;

    public string Definition => Path.Combine(Folder, "swarm.json");

    public string Summary => Path.Combine(Folder, "out.json");

    public async ValueTask InitializeAsync() => await SyntheticDigits.WriteAsync(Folder, Nodes, CancellationToken.None);

    public ValueTask DisposeAsync()
    {
        folder.Delete(recursive: true);
        return ValueTask.CompletedTask;
    }
}

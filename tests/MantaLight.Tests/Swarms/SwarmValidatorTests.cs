using MantaLight.Aggregation;
using MantaLight.Swarms;
using MantaLight.Tasks;

namespace MantaLight.Tests.Swarms;

public sealed class SwarmValidatorTests
{
    private static readonly TaskCatalog Catalog = new(typeof(SwarmValidatorTests).Assembly);

    [Fact]
    public void A_definition_whose_types_and_options_are_known_passes() => SwarmValidator.Check(
        Definitions.Parse("""
            {"name":"s","module":"M","setup":"initial_model","tasks":[
              {"alias":"w","type":"tuned","options":{"rate":1,"mode":"all_at_once","fast":null,"inner":{"depth":3}}},
              {"alias":"a","type":"FedAvg","options":{"contributions":"deltas"},"after":["w"]},
              {"alias":"s","type":"threshold_scheduler","options":{"metric":"test.loss","threshold":0.1,"goal":"at_most"},"after":["a"]}]}
            """),
        Catalog);

    [Fact]
    public void Unknown_types_are_reported_for_every_task_with_the_nearest_name()
    {
        var problems = ProblemsOf("""{"name":"s","module":"M","setup":"initialmodell","tasks":[{"alias":"w","type":"Wrker"}]}""");

        Assert.Equal(2, problems.Count);
        Assert.StartsWith("$.setup.type: 'initialmodell' is no task of MantaLight.Tests and none is built in under that name (did you mean 'InitialModel'?); known are: ", problems[0], StringComparison.Ordinal);
        Assert.StartsWith("$.tasks[0].type: 'Wrker' is no task of MantaLight.Tests and none is built in under that name (did you mean 'Worker'?); known are: ", problems[1], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"raet\":1", "$.tasks[0].options.raet: unknown option, did you mean 'rate'?; expected one of: rate, steps, name, mode, fast, inner, positive")]
    [InlineData("\"rate\":\"fast\"", "$.tasks[0].options.rate: found 'fast', expected a number")]
    [InlineData("\"steps\":1.5", "$.tasks[0].options.steps: found the number 1.5, expected an integer that fits Int32")]
    [InlineData("\"steps\":3000000000", "$.tasks[0].options.steps: found the number 3000000000, expected an integer that fits Int32")]
    [InlineData("\"name\":{}", "$.tasks[0].options.name: found an object, expected text")]
    [InlineData("\"mode\":\"twice\"", "$.tasks[0].options.mode: found 'twice', expected one of: one_by_one, all_at_once")]
    [InlineData("\"fast\":1", "$.tasks[0].options.fast: found the number 1, expected true or false")]
    [InlineData("\"inner\":{\"depth\":\"x\"}", "$.tasks[0].options.inner.depth: The JSON value could not be converted to System.Int32.")]
    [InlineData("\"inner\":{\"width\":1}", "$.tasks[0].options.inner.width: The JSON property 'width' could not be mapped to any .NET member contained in type 'MantaLight.Tests.Swarms.TunedInner'.")]
    [InlineData("\"positive\":-1", "$.tasks[0].options: -1 is not above zero.")]
    public void A_wrong_option_is_named_with_its_path(string options, string problem) =>
        Assert.Equal([problem], ProblemsOf(Definitions.WithTask($"\"options\":{{{options}}}").Replace("\"A\"", "\"Tuned\"", StringComparison.Ordinal)));

    [Fact]
    public void Null_for_an_option_that_must_not_be_null_is_refused() =>
        Assert.StartsWith("$.tasks[0].options", Assert.Single(ProblemsOf("""{"name":"s","module":"M","tasks":[{"alias":"w","type":"Tuned","options":{"name":null}}]}""")), StringComparison.Ordinal);

    [Fact]
    public void All_wrong_options_of_all_tasks_are_reported_at_once() => Assert.Equal(
        ["$.tasks[0].options.raet", "$.tasks[0].options.steps", "$.tasks[1].options", "$.tasks[2].options.metric"],
        ProblemsOf("""
            {"name":"s","module":"M","tasks":[
              {"alias":"a","type":"Tuned","options":{"raet":1,"steps":"x"}},
              {"alias":"b","type":"Worker","options":{"rate":1}},
              {"alias":"c","type":"ThresholdScheduler","options":{"metric":5}}]}
            """).Select(p => p.Split(": ")[0]));

    [Fact]
    public void A_task_without_declared_options_takes_none() => Assert.Equal(
        ["$.tasks[0].options: found an object, but Worker takes no options; leave it out"],
        ProblemsOf("""{"name":"s","module":"M","tasks":[{"alias":"a","type":"Worker","options":{"rate":1}}]}"""));

    [Fact]
    public void A_metric_that_names_no_key_is_refused_before_the_swarm_starts() => Assert.Equal(
        ["$.tasks[0].options: 'accuracy' is no metric: write TAG.KEY, as test_metrics.accuracy."],
        ProblemsOf("""{"name":"s","module":"M","tasks":[{"alias":"a","type":"ThresholdScheduler","options":{"metric":"accuracy"}}]}"""));

    [Theory]
    [InlineData("""{"stop":["accurate enough"]}""", "$.tasks[0].options.stop: 'accurate enough' is no condition; expected METRIC >= NUMBER (or <=, >, <), or one of: patience, rounds, time, bytes, epsilon.")]
    [InlineData("""{"stop":["patient 5"]}""", "$.tasks[0].options.stop: 'patient 5' is no condition (did you mean 'patience'?); expected METRIC >= NUMBER (or <=, >, <), or one of: patience, rounds, time, bytes, epsilon.")]
    [InlineData("""{"stop":["time soon"]}""", "$.tasks[0].options.stop: 'soon' is no time; write it as 00:30:00, or as a number with one of s, m, min, h, d, as in '30m'.")]
    [InlineData("""{"stop":["bytes 2 gigs"]}""", "$.tasks[0].options.stop: '2 gigs' is no amount of bytes; write a number with one of B, kB, KB, MB, GB, TB, KiB, MiB, GiB, TiB, as in '2GB'.")]
    [InlineData("""{"stop":["patience 5 metrik=loss"]}""", "$.tasks[0].options.stop: 'patience' has no option 'metrik' (did you mean 'metric'?); it takes rounds, metric, min_delta, goal.")]
    [InlineData("""{"stop":["rounds 5","rounds 5"]}""", "$.tasks[0].options.stop: 'rounds 5' stands twice.")]
    [InlineData("""{"select":"randomly 0.1"}""", "$.tasks[0].options.select: 'randomly 0.1' chooses no nodes (did you mean 'random'?); expected one of: all, random, by_loss, available, round_robin, as in 'random 0.1'.")]
    [InlineData("""{"select":"by_loss"}""", "$.tasks[0].options.select: 'by_loss' needs how many nodes it chooses, as in 'by_loss 0.1' or 'by_loss 10'.")]
    [InlineData("""{"select":"by_loss 1.5"}""", "$.tasks[0].options.select: 'by_loss' takes a count of 1 or more, or a part above 0 and below 1, as 'nodes', not '1.5'.")]
    public void A_schedulers_conditions_are_refused_with_what_there_is_instead(string options, string problem) => Assert.Equal(
        [problem], ProblemsOf($$"""{"name":"s","module":"M","tasks":[{"alias":"a","type":"RoundScheduler","options":{{options}}}]}"""));

    [Theory]
    [InlineData("\"FedBuff\"", "", null)]
    [InlineData("\"fed_buff\"", "\"contributions\":\"deltas\",\"global\":\"global_deltas\"", null)]
    [InlineData("\"Aggregate\"", "\"aggregate\":[\"clip 1\",\"fed_buff\",\"adam\"]", null)]
    [InlineData("\"Worker\"", "", null)]
    [InlineData("\"FedAvg\"", "", "$.tasks[1]: task 'w' before it is asynchronous, and FedAvg takes models that began with one and the same; FedBuff weighs differences by age")]
    [InlineData("\"FedAdam\"", "", "$.tasks[1]: task 'w' before it is asynchronous, and 'mean' takes models that began with one and the same; only 'fed_buff' weighs by age, as in { \"type\": \"FedBuff\" } or \"aggregate\": [\"fed_buff\"]")]
    [InlineData("\"Aggregate\"", "\"aggregate\":[\"krum f=1\"]", "$.tasks[1]: task 'w' before it is asynchronous, and 'krum f=1' takes models that began with one and the same; only 'fed_buff' weighs by age, as in { \"type\": \"FedBuff\" } or \"aggregate\": [\"fed_buff\"]")]
    [InlineData("\"FedBuff\"", "\"contributions\":\"deltas\"", "$.tasks[1].options: task 'w' before it is asynchronous, so that 'deltas' come as differences from 'global_deltas', expected that as 'global', not 'global_model_params'")]
    public void Behind_a_task_without_a_barrier_only_a_rule_that_knows_of_age_is_let_pass(string type, string options, string? problem)
    {
        var own = options.Length == 0 ? "" : ",\"options\":{" + options + "}";
        var definition = Definitions.Parse($$$"""
            {"name":"s","module":"M","tasks":[{"alias":"w","type":"Worker","method":"all","asynchronous":{}},{"alias":"a","type":{{{type}}},"after":["w"]{{{own}}}}]}
            """);
        if (problem is null)
            SwarmValidator.Check(definition, Catalog);
        else
            Assert.Equal([problem], Assert.Throws<InvalidSwarmException>(() => SwarmValidator.Check(definition, Catalog)).Problems);
    }

    [Fact]
    public void A_step_of_buffered_asynchronous_aggregation_is_checked_as_it_is_read() => Assert.StartsWith(
        "$.tasks[0].options", Assert.Single(ProblemsOf("""{"name":"s","module":"M","tasks":[{"alias":"a","type":"FedBuff","options":{"staleness":"linear"}}]}""")), StringComparison.Ordinal);

    private static IReadOnlyList<string> ProblemsOf(string json) =>
        Assert.Throws<InvalidSwarmException>(() => SwarmValidator.Check(Definitions.Parse(json), Catalog)).Problems;
}

public sealed class TaskCatalogTests
{
    private static readonly TaskCatalog Catalog = new(typeof(TaskCatalogTests).Assembly);

    [Theory]
    [InlineData("InitialModel")]
    [InlineData("initial_model")]
    [InlineData("INITIALMODEL")]
    public void A_task_is_found_whatever_the_case_and_underscores(string name) => Assert.Equal(typeof(InitialModel), Catalog.Resolve(name));

    [Fact]
    public void Built_in_tasks_are_found_without_any_module()
    {
        var catalog = new TaskCatalog();

        Assert.Equal(typeof(FedAvg), catalog.Resolve("fed_avg"));
        Assert.Equal(typeof(ThresholdScheduler), catalog.Resolve("ThresholdScheduler"));
        Assert.Equal(["Aggregate", "CombineMeasures", "FedAdagrad", "FedAdam", "FedAvg", "FedAvgM", "FedBuff", "FedNova", "FedYogi", "MeasureTable", "RoundScheduler", "Scaffold", "SecureConsent", "SecureKeys", "SecureReveal", "SecureShares", "SecureSum", "ThresholdScheduler"], catalog.Names);
    }

    [Fact]
    public void An_unknown_name_lists_the_known_ones() => Assert.Equal(
        "'nothing_like_it' is no task and none is built in under that name; known are: Aggregate, CombineMeasures, FedAdagrad, FedAdam, FedAvg, FedAvgM, FedBuff, FedNova, FedYogi, MeasureTable, RoundScheduler, Scaffold, SecureConsent, SecureKeys, SecureReveal, SecureShares, SecureSum, ThresholdScheduler.",
        Assert.Throws<ModuleException>(() => new TaskCatalog().Resolve("nothing_like_it")).Message);

    [Fact]
    public void A_name_that_two_classes_have_is_refused_and_names_both()
    {
        var message = Assert.Throws<ModuleException>(() => Catalog.Resolve("twin")).Message;

        Assert.Contains("MantaLight.Tests.Swarms.Twins+Twin", message, StringComparison.Ordinal);
        Assert.Contains("MantaLight.Tests.Swarms.Twins+Others+Twin", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Abstract_tasks_cannot_be_named() => Assert.Throws<ModuleException>(() => Catalog.Resolve("SampleTask"));

    [Fact]
    public void Options_are_those_of_the_attribute()
    {
        Assert.Equal(typeof(TunedOptions), TaskCatalog.OptionsOf(typeof(Tuned)));
        Assert.Equal(typeof(FedAvgOptions), TaskCatalog.OptionsOf(typeof(FedAvg)));
        Assert.Null(TaskCatalog.OptionsOf(typeof(Worker)));
    }
}

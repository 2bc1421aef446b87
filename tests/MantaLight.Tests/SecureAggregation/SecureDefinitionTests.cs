using System.Text;
using MantaLight.Aggregation;
using MantaLight.SecureAggregation;
using MantaLight.Shared;
using MantaLight.Swarms;
using MantaLight.Tasks;

namespace MantaLight.Tests.SecureAggregation;

/// <summary>One line in a definition has all stages; what makes no sense with it is refused with the reason.</summary>
public sealed class SecureDefinitionTests
{
    private static readonly TaskCatalog Catalog = new(typeof(SwarmHarness).Assembly);

    [Fact]
    public void One_line_puts_the_stages_where_they_belong()
    {
        var definition = Parse(SwarmHarness.Definition(extra: ", \"secure_aggregation\": {}").Replace("\"method\": \"all\" },", "\"method\": \"all\", \"tags\": [\"site\"], \"maximum\": 0.5 },", StringComparison.Ordinal));
        Assert.Equal(
            [
                "secure_keys SecureKeys All 0.5 []", "secure_shares SecureShares All  [secure_keys]", "worker VectorWorker All 0.5 [secure_shares]", "secure_sum SecureSum Any  [worker]",
                "secure_consent SecureConsent All  [secure_sum]", "secure_reveal SecureReveal All  [secure_sum,secure_consent]",
                "aggregator FedAvg Any  [worker,secure_keys,secure_shares,secure_sum,secure_reveal]",
            ],
            definition.Tasks.Take(7).Select(t => $"{t.Alias} {t.Type} {t.Method} {t.Maximum?.Fraction.ToString(System.Globalization.CultureInfo.InvariantCulture)} [{string.Join(',', t.After)}]"));
        Assert.Equal("aggregator", definition.SecureAggregation!.Aggregator);
        Assert.All(definition.Tasks.Where(t => t.Alias is "secure_keys" or "secure_reveal"), t => Assert.Equal(["site"], t.Tags));
        SwarmValidator.Check(definition, Catalog);
    }

    [Fact]
    public void What_is_written_spells_the_stages_out_and_is_read_as_the_same()
    {
        var definition = Parse(SwarmHarness.Definition(extra: """, "secure_aggregation": { "bits": 16, "range": 2, "weighted": true, "most_samples": 100, "threshold": 0.6, "neighbours": 20 }"""));
        var written = SwarmJson.Write(definition);
        Assert.Contains("\"type\": \"SecureConsent\"", Encoding.UTF8.GetString(written), StringComparison.Ordinal);
        var again = SwarmJson.Parse(written);
        Assert.Equal(definition.SecureAggregation, again.SecureAggregation);
        Assert.Equal(SwarmJson.HashOf(definition), SwarmJson.HashOf(again));
        Assert.Equal(new SecureOptions { Aggregator = "aggregator", Bits = 16, Range = 2, MostSamples = 100, Threshold = 0.6, Neighbours = 20 }, again.SecureAggregation);
    }

    [Fact]
    public void In_code_it_is_a_line_as_well()
    {
        var definition = new SecureVectors().ToDefinition();
        Assert.Equal(0, definition.SecureAggregation!.Neighbours);
        Assert.Contains(definition.Tasks, t => t.Type == nameof(SecureSum));
    }

    [Theory]
    [InlineData("\"bits\": 24", "$.secure_aggregation.bits: found the number 24, expected 16, 32 or 64")]
    [InlineData("\"range\": 0", "$.secure_aggregation.range: found the number 0, expected a number above 0 and at most 1000000")]
    [InlineData("\"threshold\": 0.4", "$.secure_aggregation.threshold: found the number 0.4, expected a number from 0.5 to below 1: with less, two halves of the nodes could be played off against each other")]
    [InlineData("\"neighbours\": 7", "$.secure_aggregation.neighbours: found the number 7, expected 'auto', 'all', or an even number from 2 to 10000")]
    [InlineData("\"most_samples\": 0", "$.secure_aggregation.most_samples: found the number 0, expected an integer from 1 to 2147483648")]
    [InlineData("\"treshold\": 0.6", "$.secure_aggregation.treshold: unknown key, did you mean 'threshold'?; expected one of: worker, aggregator, tag, global, bits, range, weighted, most_samples, threshold, neighbours")]
    [InlineData("\"worker\": \"wroker\"", "$.secure_aggregation.worker: no task has the alias 'wroker'; expected one of: worker, aggregator, test, scheduler")]
    [InlineData("\"worker\": \"aggregator\"", "$.secure_aggregation.worker: 'aggregator' runs on fewer than 3 nodes, expected a task of method 'all': a sum of fewer hides nothing")]
    [InlineData("\"aggregator\": \"test\"", "$.secure_aggregation.aggregator: 'test' does not come after 'worker', expected the alias of the one that combines its weights, one of: aggregator")]
    public void What_cannot_be_is_refused_with_its_path(string member, string problem) =>
        Assert.Contains(problem, Assert.Throws<InvalidSwarmException>(() => Parse(SwarmHarness.Definition(extra: $", \"secure_aggregation\": {{ {member} }}"))).Problems);

    [Theory]
    [InlineData("\"int8\"")]
    [InlineData("[\"delta\", \"top_k 0.1\"]")]
    [InlineData("\"zstd\"")]
    public void No_codec_goes_with_masked_weights(string codec) => Assert.StartsWith(
        "$.codecs.model_params: found a codec for weights that leave masked, expected none",
        Assert.Single(Assert.Throws<InvalidSwarmException>(() => Parse(SwarmHarness.Definition(extra: $", \"secure_aggregation\": {{}}, \"codecs\": {{ \"model_params\": {codec} }}"))).Problems), StringComparison.Ordinal);

    [Fact]
    public void A_codec_of_the_global_goes_with_it() =>
        SwarmValidator.Check(Parse(SwarmHarness.Definition(extra: ", \"secure_aggregation\": {}, \"codecs\": { \"global_model_params\": [\"fp16\", \"zstd\"] }")), Catalog);

    [Theory]
    [InlineData("FedAvg", "", "")]
    [InlineData("FedAvgM", "", "")]
    [InlineData("FedAdagrad", "", "")]
    [InlineData("FedAdam", "\"lr\": 0.03", "")]
    [InlineData("FedYogi", "", "")]
    [InlineData("Aggregate", "", "")]
    [InlineData("Aggregate", "\"aggregate\": [\"mean\", \"adam lr=0.03\"]", "")]
    [InlineData("Aggregate", "\"aggregate\": [\"median\"]", "'median' looks at contributions one by one, and secure aggregation shows their sum alone")]
    [InlineData("Aggregate", "\"aggregate\": [\"trimmed_mean 0.1\"]", "'trimmed_mean 0.1' looks at contributions one by one")]
    [InlineData("Aggregate", "\"aggregate\": [\"krum f=1\"]", "'krum f=1' looks at contributions one by one")]
    [InlineData("Aggregate", "\"aggregate\": [\"centered_clip 1.0\"]", "looks at contributions one by one")]
    [InlineData("Aggregate", "\"aggregate\": [\"mean weights=train_metrics.loss\"]", "looks at contributions one by one")]
    [InlineData("Aggregate", "\"aggregate\": [\"clip 1.0\", \"mean\"]", "'clip' shortens contributions one by one")]
    [InlineData("Aggregate", "\"aggregate\": [\"clip 1.0\", \"private_mean noise=1 expected=3\"]", "'clip' shortens contributions one by one")]
    [InlineData("Aggregate", "\"aggregate\": [\"mean weights=uniform\"]", "goes with \"weighted\": false")]
    [InlineData("Aggregate", "\"contributions\": \"deltas\"", "give both the same tags")]
    [InlineData("FedAvg", "\"global\": \"other\"", "give both the same tags")]
    [InlineData("FedNova", "", "looks at contributions one by one")]
    [InlineData("VectorTest", "", "VectorTest looks at contributions one by one, and 'secure_aggregation' shows their sum alone; expected FedAvg")]
    public void What_an_aggregator_does_must_need_no_more_than_a_sum(string type, string options, string problem)
    {
        var definition = Parse(SwarmHarness.Definition(extra: ", \"secure_aggregation\": {}").Replace("\"FedAvg\"", $"\"{type}\"{(options.Length == 0 ? "" : $", \"options\": {{ {options} }}")}", StringComparison.Ordinal));
        if (problem.Length == 0)
            SwarmValidator.Check(definition, Catalog);
        else
            Assert.Contains(problem, Assert.Single(Assert.Throws<InvalidSwarmException>(() => SwarmValidator.Check(definition, Catalog)).Problems), StringComparison.Ordinal);
    }

    [Fact]
    public void Stages_without_the_line_are_refused() => Assert.StartsWith("$.tasks[0]: 'secure_keys' and SecureKeys are a stage of secure aggregation",
        Assert.Throws<InvalidSwarmException>(() => Parse("""{"name":"s","module":"M","tasks":[{"alias":"keys","type":"secure_keys"}]}""")).Problems[0], StringComparison.Ordinal);

    private static SwarmDefinition Parse(string json) => SwarmJson.Parse(Encoding.UTF8.GetBytes(json));

    private sealed class SecureVectors : Swarm
    {
        protected override void Define(SwarmBuilder swarm)
        {
            swarm.Name("vectors").Module("M").SecureAggregation(new SecureOptions { Neighbours = 0 });
            swarm.Task<VectorWorker>("worker").OnAll().Then(swarm.Task<FedAvg>("aggregator"));
        }
    }
}

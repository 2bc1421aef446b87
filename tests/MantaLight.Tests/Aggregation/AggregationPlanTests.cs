using System.Text.Json;
using MantaLight.Aggregation;
using MantaLight.Aggregation.Plans;
using MantaLight.Tasks;

namespace MantaLight.Tests.Aggregation;

/// <summary>Aggregations as definitions write them.</summary>
public sealed class AggregationPlanTests
{
    [Theory]
    [InlineData("""["clip 1.0", "trimmed_mean 0.1", "adam lr=0.03"]""", "clip 1|trimmed_mean 0.1|adam lr=0.03 beta1=0.9 beta2=0.99 tau=0.001 v0=1E-06")]
    [InlineData("""[{ "part": "clip", "norm": 1.5 }, { "part": "multi_krum", "f": 2, "m": 3 }]""", "clip 1.5|multi_krum f=2 m=3")]
    [InlineData("\"median\"", "median")]
    [InlineData("""["fed_nova"]""", "fed_nova")]
    [InlineData("""["fed_nova metric=m.k"]""", "fed_nova metric=m.k")]
    [InlineData("""["fed_buff"]""", "fed_buff lr=1 staleness=polynomial:0.5")]
    [InlineData("""["clip 1", "fed_buff lr=0.5 staleness=constant", "momentum"]""", "clip 1|fed_buff lr=0.5 staleness=constant|momentum lr=1 beta=0.9")]
    [InlineData("""["mean weights=train_metrics.loss"]""", "mean weights=train_metrics.loss")]
    [InlineData("""[{ "part": "mean", "weights": "Train_Metrics.Loss" }]""", "mean weights=Train_Metrics.Loss")]
    [InlineData("[]", "mean")]
    [InlineData("""["adagrad 0.1"]""", "mean|adagrad lr=0.1 beta1=0 tau=0.001 v0=1E-06")]
    [InlineData("""["mean weights=uniform", { "part": "momentum", "lr": 1, "beta": 0.5, "nesterov": true }]""", "mean weights=uniform|momentum lr=1 beta=0.5 nesterov=true")]
    [InlineData("""["yogi lr=0.1 tau=0.01 v0=0"]""", "mean|yogi lr=0.1 beta1=0.9 beta2=0.99 tau=0.01 v0=0")]
    [InlineData("""["adam bias_correction=true"]""", "mean|adam lr=0.1 beta1=0.9 beta2=0.99 tau=0.001 v0=1E-06 bias_correction=true")]
    [InlineData("""["bulyan 1"]""", "bulyan f=1")]
    [InlineData("""["rfa"]""", "geometric_median iterations=3 smoothing=1E-06")]
    [InlineData("""["centered_clip 2 iterations=3"]""", "centered_clip 2 iterations=3")]
    public void What_is_written_is_read_and_says_itself_with_all_that_was_left_out(string json, string expected)
    {
        var plan = Read(json);
        Assert.Equal(expected.Split('|'), plan.Parts);
        // And reads again as the same.
        Assert.Equal(plan.Parts, Read(JsonSerializer.Serialize(plan, TaskJson.Options)).Parts);
    }

    [Theory]
    [InlineData("""["krumm f=1"]""", "did you mean 'krum'?")]
    [InlineData("""["krum"]""", "'krum' needs 'f', as in 'krum f=2'")]
    [InlineData("""["krum f=-1"]""", "takes a whole number, 0 or more, as 'f', not '-1'")]
    [InlineData("""["krum f=1.5"]""", "a whole number")]
    [InlineData("""["krum f=1 g=2"]""", "'krum' has no option 'g'")]
    [InlineData("""["median 3"]""", "'median' does not know what to do with '3'; it takes none")]
    [InlineData("""["trimmed_mean"]""", "takes either the share")]
    [InlineData("""["trimmed_mean 0.1 b=2"]""", "takes either the share")]
    [InlineData("""["trimmed_mean 0.5"]""", "a share of 0 to below 0.5")]
    [InlineData("""["fed_buff staleness=polynomial:0"]""", "takes 'constant', or 'polynomial:A' with A above 0 and at most 100, as 'staleness'")]
    [InlineData("""["fed_buff stalenes=constant"]""", "did you mean 'staleness'?")]
    [InlineData("""["clip"]""", "'clip' needs the longest")]
    [InlineData("""["clip 0"]""", "a number above 0")]
    [InlineData("""["clip nan"]""", "a number above 0")]
    [InlineData("""["median", "clip 1"]""", "stands there twice or too late: the order is clip, or adaptive_clip in its place, one rule")]
    [InlineData("""["median", "mean"]""", "stands there twice or too late")]
    [InlineData("""["adam", "yogi"]""", "stands there twice or too late")]
    [InlineData("""["adam lr=0"]""", "a number above 0")]
    [InlineData("""["adam beta1=1"]""", "a number of 0 to below 1")]
    [InlineData("""["adam lr=1 lr=2"]""", "has 'lr' twice")]
    [InlineData("""["adam bta1=0.5"]""", "did you mean 'beta1'?")]
    [InlineData("""["mean weights=loss"]""", "takes samples, uniform or a number in nodes' results")]
    [InlineData("""[{ "f": 2 }]""", "does not say which part it is")]
    [InlineData("""[{ "part": "krum", "f": [2] }]""", "takes a number, a text, true or false as 'f'")]
    [InlineData("""[3]""", "is no part of an aggregation")]
    [InlineData("""[""]""", "is no part of an aggregation")]
    [InlineData("3", "is a list of 8 parts at most")]
    [InlineData("null", "is a list of 8 parts at most")]
    public void What_makes_no_sense_is_refused_with_the_reason(string json, string expected)
    {
        var refusal = Assert.Throws<TaskContractException>(() => Read(json));
        Assert.Contains(expected, refusal.Message, StringComparison.Ordinal);
    }

    private static AggregationPlan Read(string json) => TaskJson.Read<AggregateOptions>(JsonElement.Parse($$"""{ "aggregate": {{json}} }"""), "options").Aggregate;
}

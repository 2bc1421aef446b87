using MantaLight.Swarms;
using static MantaLight.Tests.Swarms.Definitions;

namespace MantaLight.Tests.Swarms;

public sealed class CodecsReaderTests
{
    private const string Expected = "expected a list of steps such as [\"delta\", \"int8\", \"zstd\"], or one step as text";

    [Theory]
    [InlineData("[]", "$.codecs: found a list, expected an object with the steps of at most 100 tags of weights")]
    [InlineData("\"fp16\"", "$.codecs: found 'fp16', expected an object with the steps of at most 100 tags of weights")]
    [InlineData("{\"a/b\":\"fp16\"}", "$.codecs['a/b']: is not a tag, expected 1 to 64 characters of A-Za-z0-9_-")]
    [InlineData("{\"m\":3}", "$.codecs.m: found the number 3, " + Expected)]
    [InlineData("{\"m\":null}", "$.codecs.m: found null, " + Expected)]
    [InlineData("{\"m\":[\"fp16\",1]}", "$.codecs.m: found a list, " + Expected)]
    [InlineData("{\"m\":[\"fp16\",\"fp16\",\"fp16\",\"fp16\",\"fp16\",\"fp16\",\"fp16\",\"fp16\",\"fp16\"]}", "$.codecs.m: found a list, " + Expected)]
    [InlineData("{\"m\":\"gzip\"}", "$.codecs.m: 'gzip' is not known; known are: delta, top_k, fp16, bf16, int8, zstd, " + Expected)]
    [InlineData("{\"m\":[\"zstd\",\"fp16\"]}", "$.codecs.m: 'fp16' stands there twice or too late: the order is delta, top_k, one of fp16, bf16 and int8, zstd, " + Expected)]
    [InlineData("{\"m\":\"top_k 0.1\"}", "$.codecs.m: 'top_k' needs 'delta' before it: the largest weights alone are no model, the largest changes are, " + Expected)]
    [InlineData("{\"m\":[\"delta\",\"top_k 1\"]}", "$.codecs.m: 'top_k' takes the part that travels, above 0 and below 1, as in 'top_k 0.01', " + Expected)]
    [InlineData("{\"m\":\"int8 15\"}", "$.codecs.m: 'int8' takes the elements of a block, 16 to 65536, as in 'int8 256', " + Expected)]
    [InlineData("{\"m\":\"zstd 20\"}", "$.codecs.m: 'zstd' takes a level, 1 to 19, as in 'zstd 3', " + Expected)]
    [InlineData("{\"m\":\"delta a/b\"}", "$.codecs.m: 'delta' takes the tag of a global, as in 'delta global_model_params', " + Expected)]
    [InlineData("{\"m\":\"delta m\"}", "$.codecs.m: is a difference from 'm', which is itself, expected the tag of another global")]
    [InlineData("{\"m\":\"fp16\",\"m\":\"bf16\"}", "$.codecs.m: is given twice, expected each key once")]
    public void A_problem_is_named_with_path_found_and_expected(string codecs, string problem) => Assert.Equal([problem], ProblemsOf(With($"\"codecs\":{codecs}")));

    [Fact]
    public void Problems_of_several_tags_are_all_told() =>
        Assert.Equal(["$.codecs.a: found the number 1, " + Expected, "$.codecs.b: found true, " + Expected], ProblemsOf(With("\"codecs\":{\"a\":1,\"ok\":\"fp16\",\"b\":true}")));

    [Fact]
    public void A_hundred_tags_can_have_codecs_and_not_one_more()
    {
        static string Tags(int count) => $"\"codecs\":{{{string.Join(',', Enumerable.Range(0, count).Select(i => $"\"t{i}\":\"zstd\""))}}}";
        Assert.Equal(100, Parse(With(Tags(100))).Codecs.Count);
        Assert.StartsWith("$.codecs: found an object", Assert.Single(ProblemsOf(With(Tags(101)))), StringComparison.Ordinal);
    }

    [Fact]
    public void No_steps_are_the_default_and_arguments_that_are_usual_are_not_written()
    {
        var definition = Parse(With("""
            "codecs": { "a": [], "b": ["delta  global_model_params", "int8 256", "zstd 3"], "c": "fp16" }
            """));
        Assert.Equal(["b", "c"], definition.Codecs.Keys);
        Assert.Equal(["delta", "int8", "zstd"], definition.Codecs["b"].Steps);
        Assert.Equal(SwarmJson.HashOf(definition), SwarmJson.HashOf(Parse(With("""
            "codecs": { "c": ["fp16"], "b": ["delta", "int8", "zstd"] }
            """))));
    }

    private static IReadOnlyList<string> ProblemsOf(string json) => Assert.Throws<InvalidSwarmException>(() => Parse(json)).Problems;
}

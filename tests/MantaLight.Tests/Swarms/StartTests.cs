using MantaLight.Swarms;

namespace MantaLight.Tests.Swarms;

public sealed class StartTests
{
    private const string Blob = """{"sha256":"c0a83f1e5d2947b6a1f08d3c7e94b25560d1f7a28c3be9465d0f1a7b92c4e813","size":2000,"chunk_size":1024,"chunk_count":2,"format":"weights"}""";

    [Fact]
    public void A_start_is_read_as_it_is_written()
    {
        var definition = Definitions.Parse(Definitions.With(
            """
            "start":{"round":7,"from_alias":"a","from_nodes":["node_0","node_1"],"globals":{"w":{"blob":BLOB},"best":{"value":{"x":0.10}}}}
            """.Replace("BLOB", Blob, StringComparison.Ordinal)));
        var start = definition.Start!;
        Assert.Equal((7, "a"), (start.Round, start.FromAlias));
        Assert.Equal(["node_0", "node_1"], start.FromNodes!.Value.AsEnumerable());
        Assert.Equal(new StartBlob("c0a83f1e5d2947b6a1f08d3c7e94b25560d1f7a28c3be9465d0f1a7b92c4e813", 2000, 1024, 2, "weights"), start.Globals["w"].Blob);
        Assert.Equal("""{"x":0.10}""", start.Globals["best"].Value!.Value.GetRawText());
        var written = SwarmJson.Write(definition, indented: false);
        Assert.Equal(written, SwarmJson.Write(SwarmJson.Parse(written), indented: false));
        Assert.Equal(SwarmJson.HashOf(definition), SwarmJson.HashOf(SwarmJson.Parse(written)));
        Assert.NotEqual(SwarmJson.HashOf(definition), SwarmJson.HashOf(definition with { Start = start with { Round = 8 } }));
    }

    [Fact]
    public void An_empty_list_of_nodes_is_not_an_absent_one()
    {
        var definition = Definitions.Parse(Definitions.With("""
            "start":{"round":1,"from_nodes":[]}
            """));
        Assert.Empty(SwarmJson.Parse(SwarmJson.Write(definition)).Start!.FromNodes!.Value);
    }

    [Theory]
    [InlineData("""{}""", "$.start.round: is missing")]
    [InlineData("""[]""", "$.start: found a list")]
    [InlineData("""{"round":0}""", "$.start.round: found the number 0")]
    [InlineData("""{"round":100}""", "$.start.round: found 100, expected less than rounds.maximum, which is 100: nothing is left to run")]
    [InlineData("""{"round":1,"from_alias":"b"}""", "$.start.from_alias: unknown alias 'b'")]
    [InlineData("""{"round":1,"from_nodes":["a b"]}""", "$.start.from_nodes[0]: found 'a b'")]
    [InlineData("""{"round":1,"more":1}""", "$.start.more: unknown key")]
    [InlineData("""{"round":1,"globals":[]}""", "$.start.globals: found a list")]
    [InlineData("""{"round":1,"globals":{"a b":{"value":1}}}""", "is not a tag")]
    [InlineData("""{"round":1,"globals":{"g":{}}}""", "$.start.globals.g: expected exactly one of 'value' and 'blob'")]
    [InlineData("""{"round":1,"globals":{"g":{"value":null}}}""", "$.start.globals.g.value: found null")]
    [InlineData("""{"round":1,"globals":{"g":{"blob":1}}}""", "$.start.globals.g.blob: found the number 1")]
    [InlineData("""{"round":1,"globals":{"g":{"blob":{}}}}""", "$.start.globals.g.blob.sha256: is missing")]
    public void What_is_no_start_is_refused_with_its_path(string start, string problem)
    {
        var error = Assert.Throws<InvalidSwarmException>(() => Definitions.Parse(Definitions.With($"\"start\":{start}")));
        Assert.Contains(error.Problems, p => p.Contains(problem, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("c0a8", "c0b8", "")]
    [InlineData("c0a8", "C0A8", "sha256: found")]
    [InlineData("2000", "0", "size: found the number 0")]
    [InlineData("1024", "1000", "chunk_size: found the number 1000")]
    [InlineData("\"chunk_count\":2", "\"chunk_count\":3", "chunk_count: found 3, expected 2: 2000 bytes in chunks of 1024")]
    [InlineData("weights", "pickle", "format: found 'pickle', expected 'weights' or 'json'")]
    public void A_pointer_that_is_not_sound_is_refused(string part, string instead, string problem)
    {
        var text = Definitions.With("""
            "start":{"round":1,"globals":{"g":{"blob":BLOB}}}
            """.Replace("BLOB", Blob.Replace(part, instead, StringComparison.Ordinal), StringComparison.Ordinal));
        if (problem.Length == 0)
        {
            Definitions.Parse(text);
            return;
        }
        var error = Assert.Throws<InvalidSwarmException>(() => Definitions.Parse(text));
        Assert.Contains(error.Problems, p => p.Contains($"$.start.globals.g.blob.{problem}", StringComparison.Ordinal));
    }
}

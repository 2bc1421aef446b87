using System.Text.Json;
using MantaLight.Aggregation;
using MantaLight.Aggregation.Controls;
using MantaLight.Aggregation.Plans;
using MantaLight.Tasks;
using MantaLight.Tests.Tasks;
using MantaLight.Weights;
using static MantaLight.Tests.Aggregation.Models;

namespace MantaLight.Tests.Aggregation;

/// <summary>The server's side of SCAFFOLD, by hand.</summary>
public sealed class ScaffoldTests
{
    private const string Global = "global_model_params";

    [Theory]
    [InlineData(null, 1.0f)]
    [InlineData(8, 0.25f)]
    public async Task The_model_moves_by_the_uniform_mean_of_the_differences_and_c_by_that_of_all_participants(int? participants, float c)
    {
        var store = Store(1).With("a", 10, 2, 0.5f).With("b", 30, 4, 1.5f).Memory;
        await store.RunAsync(new Scaffold(), new { Lr = 0.5, Participants = participants });
        // x = 1 + 0.5 * (1 + 3) / 2, whatever their samples; c = (0.5 + 1.5) / N.
        AssertIdentical(Of(Floats("w", 2)), (NamedArrays)store.StagedGlobals[Global]);
        AssertIdentical(Of(Floats("w", c)), (NamedArrays)store.StagedGlobals[$"{Global}_control"]);
        Assert.Equal("""{"begun":1,"rounds":{"a":1,"b":1}}""", store.StagedGlobals[$"{Global}_controls"].ToString());
    }

    [Theory]
    // (c N + 1) / N with N = 4, and with N = 2 that becomes 3.
    [InlineData(4, 1.25f)]
    [InlineData(null, 1f)]
    public async Task C_stays_the_mean_of_all_when_others_take_part(int? participants, float c)
    {
        var store = Store(0, c: 1, known: ["a", "b"]).With("c", 1, 2, 1).Memory;
        await store.RunAsync(new Scaffold(), new { Participants = participants });
        AssertIdentical(Of(Floats("w", c)), (NamedArrays)store.StagedGlobals[$"{Global}_control"]);
        AssertIdentical(Of(Floats("w", 2)), (NamedArrays)store.StagedGlobals[Global]);
    }

    [Fact]
    public async Task Whose_control_variate_does_not_fit_counts_in_neither_and_is_named()
    {
        var all = Store(0).With("a", 1, 2, 1).With("b", 1, 4, float.NaN).With("d", 1, 6, 1, begun: 3);
        var store = all.Memory.WithWeights("c", "model_params", 1, () => Of(Floats("w", 99)))
            .WithWeights("e", "model_params", 1, () => Of(Floats("w", float.NaN))).WithWeights("e", "model_params_control", 1, () => Of(Floats("w", 7)))
            .WithResult("e", "model_params_controls", new { Begun = 1, Round = 1, Lost = false });
        await store.RunAsync(new Scaffold());
        AssertIdentical(Of(Floats("w", 2)), (NamedArrays)store.StagedGlobals[Global]);
        AssertIdentical(Of(Floats("w", 1)), (NamedArrays)store.StagedGlobals[$"{Global}_control"]);
        var refused = ((JsonElement)store.StagedResults["aggregation"]).GetProperty("refused").EnumerateArray().ToDictionary(r => r.GetProperty("node").GetString()!, r => r.GetProperty("reason").GetString()!);
        Assert.Equal(["b", "c", "d", "e"], refused.Keys.Order(StringComparer.Ordinal));
        Assert.Contains("Its control variate does not fit: Array 'w: float32 [1]' holds NaN", refused["b"], StringComparison.Ordinal);
        Assert.Contains("\"control_variates\": \"scaffold\"", refused["c"], StringComparison.Ordinal);
        Assert.Contains("of beginning 3, where 1 is expected", refused["d"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Where_a_node_has_lost_what_c_has_of_it_c_begins_anew()
    {
        var store = Store(0, c: 5, known: ["a", "b"]).With("a", 1, 2, 1, lost: true).With("b", 1, 4, 1).Memory;
        await store.RunAsync(new Scaffold());
        AssertIdentical(Of(Floats("w", 3)), (NamedArrays)store.StagedGlobals[Global]);
        AssertIdentical(Of(Floats("w", 0)), (NamedArrays)store.StagedGlobals[$"{Global}_control"]);
        Assert.Equal("""{"begun":2,"rounds":{}}""", store.StagedGlobals[$"{Global}_controls"].ToString());
    }

    [Fact]
    public async Task More_than_there_are_said_to_be_are_refused()
    {
        var store = Store(0).With("a", 1, 2, 1).With("b", 1, 4, 1).Memory;
        var refusal = await Assert.ThrowsAsync<TaskContractException>(() => store.RunAsync(new Scaffold(), new { Participants = 1 }));
        Assert.Contains("2 nodes have taken part, where 'scaffold' has participants=1", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_bits_do_not_depend_on_who_arrives_first()
    {
        var nodes = Enumerable.Range(0, 7).Select(i => ($"node_{i}", (float)Math.Sin(i), (float)Math.Cos(i))).ToArray();
        var (one, other) = (Store(0.3f), Store(0.3f));
        foreach (var (node, value, difference) in nodes)
            one = one.With(node, 1, value, difference);
        foreach (var (node, value, difference) in nodes.Reverse())
            other = other.With(node, 1, value, difference);
        await one.Memory.RunAsync(new Scaffold(), new { Lr = 0.7 });
        await other.Memory.RunAsync(new Aggregate(), new { Aggregate = "scaffold lr=0.7" });
        foreach (var tag in new[] { Global, $"{Global}_control" })
            AssertIdentical((NamedArrays)one.Memory.StagedGlobals[tag], (NamedArrays)other.Memory.StagedGlobals[tag]);
        Assert.Equal(one.Memory.StagedGlobals[$"{Global}_controls"].ToString(), other.Memory.StagedGlobals[$"{Global}_controls"].ToString());
    }

    [Theory]
    [InlineData("clip 1", "'clip' cannot stand beside 'scaffold': a node's control variate tells of the difference as it was")]
    [InlineData("krum f=1", "'krum' cannot stand beside 'scaffold': it is not done with control variates")]
    [InlineData("private_mean noise=1 expected=1", "noise hides models, and control variates tell of the same data")]
    [InlineData("mean", "weighed otherwise the two pull against each other")]
    [InlineData("adam lr=0.1", "it has a step of its own, 'scaffold lr=0.5'")]
    [InlineData("scaffold", "it is there once")]
    public void What_makes_no_sense_beside_it_is_refused_with_the_reason(string other, string reason)
    {
        Assert.Contains(reason, Assert.Throws<InvalidSettingException>(() => AggregationPlan.Parse("scaffold lr=1", other)).Message, StringComparison.Ordinal);
        Assert.Contains(reason, Assert.Throws<InvalidSettingException>(() => AggregationPlan.Parse(other, "scaffold lr=1")).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{ "lr": 0 }""", "'scaffold' takes a number above 0 as 'lr'")]
    [InlineData("""{ "participants": 0 }""", "a whole number, 1 or more, as 'participants'")]
    public void An_option_out_of_its_range_is_refused_where_the_definition_is_read(string options, string reason) =>
        Assert.Contains(reason, Assert.Throws<InvalidSettingException>(() => TaskJson.Read<ScaffoldOptions>(JsonElement.Parse(options), "options")).Message, StringComparison.Ordinal);

    private static Contributed Store(float x, float? c = null, params string[] known)
    {
        var store = new MemoryAttemptStore().WithGlobalWeights(Global, () => Of(Floats("w", x)));
        if (c is { } variate)
            store.WithGlobalWeights($"{Global}_control", () => Of(Floats("w", variate))).WithGlobal($"{Global}_controls", new { Begun = 1, Rounds = known.ToDictionary(k => k, _ => 1) });
        return new Contributed(store);
    }

    private sealed record Contributed(MemoryAttemptStore Memory)
    {
        public Contributed With(string node, long samples, float value, float difference, int begun = 1, bool lost = false) => new(Memory
            .WithWeights(node, "model_params", samples, () => Of(Floats("w", value))).WithWeights(node, "model_params_control", samples, () => Of(Floats("w", difference)))
            .WithResult(node, "model_params_controls", new { Begun = begun, Round = 1, Lost = lost }));
    }
}

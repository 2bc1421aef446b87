using System.Text.Json;
using CsCheck;
using MantaLight.Aggregation;
using MantaLight.Protocol;
using MantaLight.Tests.Tasks;
using MantaLight.Weights;
using static MantaLight.Tests.Aggregation.Models;

namespace MantaLight.Tests.Aggregation;

public sealed class FedAvgTests
{
    private const string Tag = "model_params";
    private const string Global = "global_model_params";

    [Fact]
    public async Task The_new_global_is_the_mean_of_the_contributions_by_samples()
    {
        var store = new MemoryAttemptStore()
            .WithGlobalWeights(Global, () => Of(Floats("w", 9)))
            .WithWeights("node_1", Tag, 30, () => Of(Floats("w", 4)))
            .WithWeights("node_0", Tag, 10, () => Of(Floats("w", 0)));

        await store.RunAsync(new FedAvg());

        AssertIdentical(Of(Floats("w", 3)), (NamedArrays)store.StagedGlobals[Global]);
        Assert.Equal(
            """{"participants":["node_0","node_1"],"participant_count":2,"samples":40,"refused":[],"refused_count":0}""",
            store.StagedResults["aggregation"].ToString());
    }

    [Fact]
    public async Task Tags_can_be_chosen_and_the_first_round_needs_no_global()
    {
        var store = new MemoryAttemptStore().WithWeights("a", "deltas", 1, () => Of(Floats("w", 2)));

        await store.RunAsync(new FedAvg(), new { Contributions = "deltas", Global = "average" });

        AssertIdentical(Of(Floats("w", 2)), (NamedArrays)store.StagedGlobals["average"]);
    }

    [Fact]
    public async Task Contributions_that_do_not_fit_are_left_out_and_named()
    {
        var store = new MemoryAttemptStore()
            .WithGlobalWeights(Global, () => Of(Floats("w", 0)))
            .WithWeights("a_other_shape", Tag, 1, () => Of(Floats("w", 1, 2)))
            .WithWeights("b_not_finite", Tag, 1, () => Of(Floats("w", float.NaN)))
            .WithWeights("c_good", Tag, 5, () => Of(Floats("w", 7)))
            .WithWeights("d_damaged", Tag, 1, () => throw new MalformedDataException("The blob ends early."))
            .WithResult("f_json", Tag, new { w = 1 });

        await store.RunAsync(new FedAvg());

        AssertIdentical(Of(Floats("w", 7)), (NamedArrays)store.StagedGlobals[Global]);
        var summary = (JsonElement)store.StagedResults["aggregation"];
        Assert.Equal(["c_good"], summary.GetProperty("participants").EnumerateArray().Select(p => p.GetString()));
        Assert.Equal(5, summary.GetProperty("samples").GetInt64());
        Assert.Equal(
            ["a_other_shape: Array 0 is 'w: float32 [2]' where 'w: float32 [1]' is expected.",
             "b_not_finite: Array 'w: float32 [1]' holds NaN at index 0; a mean needs finite values.",
             "d_damaged: The blob ends early.",
             "f_json: 'model_params' is a JSON value where weights are expected."],
            summary.GetProperty("refused").EnumerateArray().Select(r => $"{r.GetProperty("node").GetString()}: {r.GetProperty("reason").GetString()}"));
    }

    [Fact]
    public async Task Nothing_to_combine_fails_and_says_what_is_missing()
    {
        var error = await Assert.ThrowsAsync<TaskContractException>(() => new MemoryAttemptStore().RunAsync(new FedAvg()));

        Assert.Contains("no task before 'task' added weights as 'model_params'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task All_contributions_refused_fails_names_them_and_stages_nothing()
    {
        var store = new MemoryAttemptStore()
            .WithWeights("a", Tag, 1, () => Of(Floats("w", float.NaN)))
            .WithWeights("b", Tag, 1, () => throw new MalformedDataException("It ends early."));

        var error = await Assert.ThrowsAsync<TaskContractException>(() => store.RunAsync(new FedAvg()));

        Assert.Contains("a: Array 'w: float32 [1]' holds NaN at index 0", error.Message, StringComparison.Ordinal);
        Assert.Contains("b: It ends early.", error.Message, StringComparison.Ordinal);
        Assert.Empty(store.StagedGlobals);
        Assert.Empty(store.StagedResults);
    }

    [Fact]
    public async Task A_contribution_that_cannot_be_fetched_fails_the_attempt_so_that_it_is_made_again()
    {
        var store = new MemoryAttemptStore()
            .WithWeights("a", Tag, 5, () => Of(Floats("w", 7)))
            .WithWeights("b", Tag, 1, () => throw new BlobUnavailableException("Nobody serves it."));

        await Assert.ThrowsAsync<BlobUnavailableException>(() => store.RunAsync(new FedAvg()));

        Assert.Empty(store.StagedGlobals);
        Assert.Empty(store.StagedResults);
    }

    [Fact]
    public async Task The_summary_lists_at_most_16_nodes_and_counts_all()
    {
        var store = new MemoryAttemptStore();
        for (var i = 0; i < 150; i++)
            store.WithWeights($"good_{i:000}", Tag, 1, () => Of(Floats("w", 1))).WithWeights($"bad_{i:000}", Tag, 1, () => throw new MalformedDataException("x"));

        await store.RunAsync(new FedAvg());

        var summary = (JsonElement)store.StagedResults["aggregation"];
        Assert.Equal((16, 150), (summary.GetProperty("participants").GetArrayLength(), summary.GetProperty("participant_count").GetInt32()));
        Assert.Equal((16, 150), (summary.GetProperty("refused").GetArrayLength(), summary.GetProperty("refused_count").GetInt32()));
    }

    [Theory]
    [InlineData(1, 300)]
    [InlineData(16, 37)]
    public async Task The_summary_stands_in_the_record_however_long_names_and_reasons_are(int refused, int longest)
    {
        var store = new MemoryAttemptStore();
        for (var i = 0; i < 16; i++)
            store.WithWeights($"good_{i:00}_{new string('n', 56)}", Tag, 1, () => Of(Floats("w", 1)));
        for (var i = 0; i < refused; i++)
            store.WithWeights($"zbad_{i:00}_{new string('n', 56)}", Tag, 1, () => throw new MalformedDataException(string.Concat(Enumerable.Repeat("'weight' ", 100))));

        await store.RunAsync(new FedAvg());

        var summary = (JsonElement)store.StagedResults["aggregation"];
        Assert.Equal(refused, summary.GetProperty("refused").GetArrayLength());
        Assert.All(summary.GetProperty("refused").EnumerateArray(), r => Assert.Equal(longest + 1, r.GetProperty("reason").GetString()!.Length));
        Assert.InRange(JsonSerializer.SerializeToUtf8Bytes(summary).Length, 1, ValueRef.MaximumInline);
    }

    [Fact]
    public async Task Contributions_that_arrive_in_any_order_give_the_same_bits() =>
        await Gen.Select(
            Gen.Select(Gen.Float.Where(float.IsFinite).Array[5], Gen.Long[1, 1000]).Array[1, 8],
            Gen.Int[0, int.MaxValue]).SampleAsync(async (contributions, seed) =>
        {
            var nodes = contributions.Select((c, i) => (Id: $"node_{i}", c.Item1, c.Item2)).ToArray();
            var ordered = await AverageAsync(nodes);
            new Random(seed).Shuffle(nodes);

            AssertIdentical(ordered, await AverageAsync(nodes));
            AssertIdentical(ordered, await AverageAsync(nodes, hasAll: true));
        });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task One_that_turns_out_bad_at_its_very_end_leaves_no_trace_in_the_mean(bool hasAll)
    {
        var random = new Random(4);
        float[][] values = [.. Enumerable.Range(0, 5).Select(_ => Enumerable.Range(0, 40_000).Select(_ => random.NextSingle()).ToArray())];
        float[] bad = [.. values[0][..^1], float.NaN];
        var good = await AverageAsync([("a", values[0], 3), ("b", values[1], 5), ("d", values[3], 7)]);
        var store = new MemoryAttemptStore { HasAll = hasAll };
        foreach (var (node, of, samples) in new[] { ("a", values[0], 3), ("b", values[1], 5), ("c", bad, 1000), ("d", values[3], 7), ("e", bad, 1) })
            store.WithWeights(node, Tag, samples, () => Of(Floats("w", of)));

        await store.RunAsync(new FedAvg());

        AssertIdentical(good, (NamedArrays)store.StagedGlobals[Global]);
        Assert.Equal(["c", "e"], ((JsonElement)store.StagedResults["aggregation"]).GetProperty("refused").EnumerateArray().Select(r => r.GetProperty("node").GetString()));
    }

    [Fact]
    public async Task A_first_contribution_that_is_bad_does_not_say_what_a_model_looks_like()
    {
        var store = new MemoryAttemptStore()
            .WithWeights("a", Tag, 1, () => Of(Floats("other", float.NaN)))
            .WithWeights("b", Tag, 1, () => Of(Floats("w", 3)));

        await store.RunAsync(new FedAvg());

        AssertIdentical(Of(Floats("w", 3)), (NamedArrays)store.StagedGlobals[Global]);
    }

    [Fact]
    public async Task What_is_here_already_is_summed_up_as_what_arrives()
    {
        var arriving = new MemoryAttemptStore();
        var here = new MemoryAttemptStore { HasAll = true };
        foreach (var store in new[] { arriving, here })
        {
            store.WithWeights("b", Tag, 2, () => Of(Floats("w", 1))).WithWeights("a", Tag, 1, () => Of(Floats("w", 4)));
            await store.RunAsync(new FedAvg());
        }

        Assert.Equal(arriving.StagedResults["aggregation"].ToString(), here.StagedResults["aggregation"].ToString());
        AssertIdentical((NamedArrays)arriving.StagedGlobals[Global], (NamedArrays)here.StagedGlobals[Global]);
    }

    [Fact]
    public async Task The_next_contribution_is_pulled_before_the_one_before_is_folded_and_no_more_than_that()
    {
        var folding = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var pulled = new List<string>();
        var live = 0;
        var mostLive = 0;
        var store = new MemoryAttemptStore();
        foreach (var node in new[] { "a", "b", "c", "d" })
        {
            store.WithWeights(node, Tag, 1, () =>
            {
                mostLive = Math.Max(mostLive, Interlocked.Increment(ref live));
                return new NamedArrays([Floats("w", 1)], new OnDispose(() => Interlocked.Decrement(ref live)));
            });
        }
        // While c is on its way a and b have been folded, and d has not been asked for.
        store.BeforePull = (node, _) =>
        {
            lock (pulled)
                pulled.Add(node);
            return node == "c" ? folding.Task : Task.CompletedTask;
        };

        var run = store.RunAsync(new FedAvg());
        lock (pulled)
            Assert.Equal(["a", "b", "c"], pulled);
        Assert.False(run.IsCompleted);
        folding.SetResult();
        await run;

        Assert.Equal(["a", "b", "c", "d"], pulled);
        Assert.Equal((0, 2), (live, mostLive));
    }

    [Fact]
    public async Task A_cancelled_aggregation_stops_what_it_pulls_and_drops_what_it_holds()
    {
        using var cancel = new CancellationTokenSource();
        var live = 0;
        var stopped = false;
        var store = new MemoryAttemptStore();
        foreach (var node in new[] { "a", "b" })
        {
            store.WithWeights(node, Tag, 1, () =>
            {
                Interlocked.Increment(ref live);
                return new NamedArrays([Floats("w", 1)], new OnDispose(() => Interlocked.Decrement(ref live)));
            });
        }
        store.WithWeights("c", Tag, 1, () => throw new InvalidOperationException("is never pulled"));
        store.BeforePull = async (node, cancellationToken) =>
        {
            if (node != "b")
                return;
            await cancel.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken));
            stopped = true;
            cancellationToken.ThrowIfCancellationRequested();
        };

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => store.RunAsync(new FedAvg(), cancellationToken: cancel.Token));

        Assert.True(stopped);
        Assert.Equal(0, live);
        Assert.Empty(store.StagedGlobals);
    }

    private static async Task<NamedArrays> AverageAsync((string Id, float[] Values, long Samples)[] arrivals, bool hasAll = false)
    {
        var store = new MemoryAttemptStore { HasAll = hasAll };
        foreach (var (id, values, samples) in arrivals)
            store.WithWeights(id, Tag, samples, () => Of(Floats("w", values)));
        await store.RunAsync(new FedAvg());
        return (NamedArrays)store.StagedGlobals[Global];
    }

    private sealed class OnDispose(Action action) : IDisposable
    {
        public void Dispose() => action();
    }
}

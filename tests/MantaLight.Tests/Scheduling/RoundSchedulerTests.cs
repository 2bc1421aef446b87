using System.Globalization;
using System.Text.Json;
using MantaLight.Privacy;
using MantaLight.Scheduling;
using MantaLight.Tasks;
using MantaLight.Tests.Tasks;

namespace MantaLight.Tests.Scheduling;

public sealed class RoundSchedulerTests
{
    [Theory]
    [InlineData("accuracy >= 0.9", true, "accuracy 0.95 reached 0.9")]
    [InlineData("accuracy>=0.96", false, "accuracy 0.95 has not reached 0.96")]
    [InlineData("test_metrics.loss <= 0.2", true, "loss 0.2 reached 0.2")]
    [InlineData("loss < 0.2", false, "loss 0.2 has not reached < 0.2")]
    [InlineData("worst_accuracy > 0.9", false, "worst_accuracy 0.9 has not reached > 0.9")]
    [InlineData("train_metrics.loss <= 0.5", true, "loss 0.4 reached 0.5")]
    public async Task A_metric_is_reached_from_either_side(string condition, bool reached, string reason)
    {
        var store = Tests().WithResult("a", "train_metrics", new { Loss = 0.4 });

        await store.RunAsync(new RoundScheduler(), new { Stop = new[] { condition } });

        Assert.Equal(new RoundRequest(reached, reached, reason, null, null), store.Requests.Request);
    }

    [Fact]
    public async Task It_puts_the_tests_of_all_nodes_together()
    {
        var store = Tests();

        await store.RunAsync(new RoundScheduler());

        Assert.Equal(0.95, ((JsonElement)store.StagedResults["global_metrics"]).GetProperty("accuracy").GetDouble(), 12);
        Assert.False(store.Requests.Request!.Stop);
        Assert.Empty(store.StagedGlobals);
    }

    [Fact]
    public async Task Without_conditions_the_hyper_parameters_threshold_counts()
    {
        var store = Tests().WithGlobal("hyperparameters", new { ValAccThreshold = 0.9 });

        await store.RunAsync(new RoundScheduler());

        Assert.Equal("accuracy 0.95 reached 0.9", store.Requests.Request!.Reason);
    }

    [Theory]
    [InlineData("patience 2", new[] { 0.5, 0.6, 0.6, 0.55 }, "accuracy has not become better than 0.6 (round 2) for 2 rounds")]
    [InlineData("patience 2 min_delta=0.05", new[] { 0.5, 0.54, 0.6, 0.64, 0.65 }, "accuracy has not become better than 0.6 (round 3) for 2 rounds")]
    [InlineData("patience 1 goal=min", new[] { 0.5, 0.4, 0.45 }, "accuracy has not become better than 0.4 (round 2) for 1 round")]
    [InlineData("patience 2 metric=loss", new[] { 0.5, 0.4, 0.3, 0.31, 0.32 }, "loss has not become better than 0.3 (round 3) for 2 rounds")]
    public async Task Patience_ends_at_the_first_round_that_has_waited_long_enough(string condition, double[] values, string reason)
    {
        object? memory = null;
        for (var round = 1; round <= values.Length; round++)
        {
            var store = new MemoryAttemptStore { Round = round }.WithResult("a", "test_metrics", new { Accuracy = values[round - 1], Loss = values[round - 1] });
            if (memory is not null)
                store.WithGlobal("round_scheduler", memory);
            await store.RunAsync(new RoundScheduler(), new { Stop = new[] { condition } });
            memory = store.StagedGlobals["round_scheduler"];
            Assert.Equal(round == values.Length, store.Requests.Request!.Stop);
            if (round == values.Length)
                Assert.Equal((true, reason), (store.Requests.Request.Converged, store.Requests.Request.Reason));
        }
    }

    [Theory]
    [InlineData("time 00:01:00", 59, false)]
    [InlineData("time 1m", 60, true)]
    [InlineData("bytes 2kB", 59, true)]
    [InlineData("bytes 2 KiB", 59, false)]
    [InlineData("rounds 4", 1, true)]
    [InlineData("rounds 5", 1, false)]
    public async Task A_budget_ends_it_as_completed_where_there_is_nothing_to_be_reached(string condition, int seconds, bool ends)
    {
        var store = Tests(new MemoryAttemptStore { Round = 4, Spent = Spent(seconds, 2000) });

        await store.RunAsync(new RoundScheduler(), new { Stop = new[] { condition } });

        Assert.Equal((ends, ends), (store.Requests.Request!.Stop, store.Requests.Request.Converged));
    }

    [Fact]
    public async Task A_budget_that_is_used_up_before_a_metric_is_reached_ends_it_as_stopped()
    {
        var store = Tests(new MemoryAttemptStore { Round = 4 });

        await store.RunAsync(new RoundScheduler(), new { Stop = new[] { "rounds 4", "accuracy >= 0.99" } });

        Assert.Equal(new RoundRequest(Stop: true, Converged: false, "round 4 is the last of 4", null, null), store.Requests.Request);
    }

    [Fact]
    public async Task What_was_to_be_reached_counts_before_a_budget_that_ends_in_the_same_round()
    {
        var store = Tests(new MemoryAttemptStore { Round = 4 });

        await store.RunAsync(new RoundScheduler(), new { Stop = new[] { "rounds 4", "accuracy >= 0.9" } });

        Assert.Equal(new RoundRequest(Stop: true, Converged: true, "accuracy 0.95 reached 0.9", null, null), store.Requests.Request);
    }

    [Fact]
    public void Time_and_bytes_go_on_over_a_resumed_run_and_count_nothing_twice()
    {
        var memory = new SchedulerMemory().With(TimeSpan.FromSeconds(10), 100, TimeSpan.FromSeconds(10), 100);
        memory = memory.With(TimeSpan.FromSeconds(25), 250, TimeSpan.FromSeconds(14), 140);
        Assert.Equal((25, 250), (memory.Seconds, memory.Bytes));

        // From a checkpoint: the new run counts from zero.
        memory = memory.With(TimeSpan.FromSeconds(30), 300, TimeSpan.FromSeconds(30), 300);
        Assert.Equal((55, 550), (memory.Seconds, memory.Bytes));
        memory = memory.With(TimeSpan.FromSeconds(31), 310, TimeSpan.FromSeconds(1), 10);
        Assert.Equal((56, 560), (memory.Seconds, memory.Bytes));
    }

    [Fact]
    public async Task Privacy_ends_it_before_another_round_would_exceed_the_budget()
    {
        var ledger = PrivacyLedger.Empty.Add(new SampledGaussian(0.1, 1.1), 10);
        var (spent, next) = (ledger.Epsilon(1e-5, isPld: false), ledger.Add(new SampledGaussian(0.1, 1.1), 1).Epsilon(1e-5, isPld: false));
        foreach (var (budget, ends) in new[] { ((spent + next) / 2, true), (next + 0.01, false) })
        {
            var store = Tests().WithGlobal("privacy", ledger);

            await store.RunAsync(new RoundScheduler(), new { Stop = new[] { string.Create(CultureInfo.InvariantCulture, $"epsilon {budget}") } });

            Assert.Equal(ends, store.Requests.Request!.Stop);
        }
    }

    [Fact]
    public async Task A_budget_of_privacy_that_nothing_counts_fails()
    {
        var error = await Assert.ThrowsAsync<TaskContractException>(() => Tests().RunAsync(new RoundScheduler(), new { Stop = new[] { "epsilon 8" } }));

        Assert.Equal("'epsilon 8' bounds what nothing counts: there is no global 'privacy'. Aggregate with private_mean, or leave it out.", error.Message);
    }

    [Fact]
    public async Task A_metric_that_is_not_there_fails_and_names_those_that_are()
    {
        var error = await Assert.ThrowsAsync<TaskContractException>(() => Tests().RunAsync(new RoundScheduler(), new { Stop = new[] { "f1 >= 0.9" } }));

        Assert.Contains("finds no number 'f1' for 'f1 >= 0.9'", error.Message, StringComparison.Ordinal);
        Assert.Contains("accuracy, best_accuracy, best_loss, loss", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Conditions_are_texts_or_objects()
    {
        var store = Tests(new MemoryAttemptStore { Round = 4, Spent = Spent(60, 0) });

        await store.RunAsync(new RoundScheduler(), new { Stop = new object[] { new { Part = "time", Time = "60s" }, new { Part = "patience", Rounds = 3, Metric = "loss" } } });

        Assert.Equal("the time of 00:01:00 is used up (00:01:00)", store.Requests.Request!.Reason);
    }

    private static SpentSoFar Spent(int seconds, long bytes) => new(TimeSpan.FromSeconds(seconds), bytes, TimeSpan.FromSeconds(1), 10);

    private static MemoryAttemptStore Tests(MemoryAttemptStore? store = null) => (store ?? new MemoryAttemptStore())
        .WithResult("a", "test_metrics", new { Accuracy = 1.0, Loss = 0.1, Samples = 10 }).WithResult("b", "test_metrics", new { Accuracy = 0.9, Loss = 0.3, Samples = 10 });
}

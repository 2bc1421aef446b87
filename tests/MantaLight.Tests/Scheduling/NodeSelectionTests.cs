using MantaLight.Scheduling;
using MantaLight.Scheduling.Selection;
using MantaLight.Tasks;
using MantaLight.Tests.Tasks;

namespace MantaLight.Tests.Scheduling;

public sealed class NodeSelectionTests
{
    private static readonly string[] Five = ["a", "b", "c", "d", "e"];

    [Theory]
    [InlineData("all", null)]
    [InlineData("random 0.4", 0.4)]
    [InlineData("random 3", 3.0)]
    public async Task All_and_a_random_part_are_left_to_the_placement(string policy, double? maximum)
    {
        var request = await AskAsync(policy, new NodeLedger());

        Assert.Null(request.Nodes);
        Assert.Equal(maximum, request.Maximum);
    }

    [Fact]
    public async Task By_loss_the_highest_come_first_and_before_them_those_that_have_told_none()
    {
        var ledger = Ledger(("a", 0.5), ("b", 0.9), ("c", 0.1), ("d", 0.7));

        Assert.Equal(["e", "b", "d"], (await AskAsync("by_loss 3", ledger)).Nodes!);
        Assert.Equal(["e", "c", "a"], (await AskAsync("by_loss 0.6 order=lowest", ledger)).Nodes!);
    }

    [Fact]
    public async Task What_a_node_tells_in_the_round_stands_over_what_it_told_before()
    {
        var store = Store(Ledger(("a", 0.5), ("b", 0.9), ("c", 0.1), ("d", 0.7), ("e", 0.6)));
        store.WithResult("b", "train_metrics", new { Loss = 0.2, Samples = 5 });

        await store.RunAsync(new RoundScheduler(), new { Select = "by_loss 2" });

        Assert.Equal(["d", "e"], store.Requests.Request!.Nodes!);
        Assert.Equal(2, store.Requests.Request.Maximum);
    }

    [Fact]
    public async Task Candidates_are_drawn_by_their_samples()
    {
        string[] nodes = [.. Enumerable.Range(0, 20).Select(n => $"node_{n:00}")];
        var drawn = new Dictionary<string, int>(StringComparer.Ordinal);
        for (ulong seed = 0; seed < 400; seed++)
        {
            var ledger = new NodeLedger { Nodes = new NodeLedger().Nodes.AddRange(nodes.Select(n => KeyValuePair.Create(n, new NodeRecord { Loss = 1, Samples = n == "node_07" ? 190 : 10, Round = 1 }))) };
            // The one candidate is who takes part.
            foreach (var node in (await AskAsync("by_loss 1 candidates=1", ledger, nodes, seed)).Nodes!)
                drawn[node] = drawn.GetValueOrDefault(node) + 1;
        }

        // One that has half of all samples is drawn half of the time: 200 ± 4 standard deviations of 10.
        Assert.InRange(drawn["node_07"], 160, 240);
        Assert.True(drawn.Count > 15);
    }

    [Fact]
    public async Task The_same_seed_draws_the_same()
    {
        var ledger = Ledger(("a", 0.5), ("b", 0.9), ("c", 0.1), ("d", 0.7), ("e", 0.6));
        var one = await AskAsync("by_loss 2 candidates=3", ledger, seed: 7);

        Assert.Equal(one.Nodes, (await AskAsync("by_loss 2 candidates=3", ledger, seed: 7)).Nodes!);
    }

    [Fact]
    public async Task Round_robin_takes_those_who_have_rested_for_longest()
    {
        object? ledger = null;
        var chosen = new List<string>();
        string[] asked = ["a", "b", "c", "d", "e"];
        for (var round = 1; round <= 5; round++)
        {
            var store = new MemoryAttemptStore { Round = round, Candidates = Five };
            foreach (var node in asked)
                store.WithResult(node, "train_metrics", new { Loss = 1.0, Samples = 1 });
            if (ledger is not null)
                store.WithGlobal("node_selection", ledger);
            await store.RunAsync(new RoundScheduler(), new { Select = "round_robin 2" });
            ledger = store.StagedGlobals["node_selection"];
            asked = store.Requests.Request!.Nodes!;
            chosen.Add(string.Concat(asked));
        }

        Assert.Equal(["ab", "cd", "ea", "bc", "da"], chosen);
    }

    [Fact]
    public async Task Whoever_was_asked_and_did_not_answer_comes_later_by_availability()
    {
        var store = Store(new NodeLedger { Asked = ["a", "b"] });
        store.WithResult("b", "train_metrics", new { Loss = 1.0 });

        await store.RunAsync(new RoundScheduler(), new { Select = "available 4" });

        Assert.Equal(["c", "d", "e", "b"], store.Requests.Request!.Nodes!);
    }

    [Fact]
    public async Task Who_is_not_there_is_not_named() =>
        Assert.Equal(["c", "a"], (await AskAsync("by_loss 2", Ledger(("a", 0.1), ("b", 0.9), ("c", 0.5)), there: ["a", "c"])).Nodes!);

    [Fact]
    public async Task Of_very_many_the_placement_chooses_whom_a_record_cannot_name()
    {
        string[] nodes = [.. Enumerable.Range(0, 1200).Select(n => $"node_{n:0000}")];
        var request = await AskAsync("round_robin 0.5", new NodeLedger(), nodes);

        Assert.Equal((500, 600.0), (request.Nodes!.Length, request.Maximum));
    }

    [Fact]
    public async Task A_scheduler_that_does_not_see_the_workers_results_says_where_to_put_them()
    {
        var store = new MemoryAttemptStore { Candidates = Five }.WithResult("a", "test_metrics", new { Accuracy = 0.5 });
        var error = await Assert.ThrowsAsync<TaskContractException>(() => store.RunAsync(new RoundScheduler(), new { Select = "by_loss 2" }));

        Assert.Equal("'by_loss 2' looks at who has taken part, and no task before 'task' adds 'train_metrics'. Put the worker into its 'after', beside the test.", error.Message);
    }

    private static NodeLedger Ledger(params (string Node, double Loss)[] losses) =>
        new() { Nodes = new NodeLedger().Nodes.AddRange(losses.Select(l => KeyValuePair.Create(l.Node, new NodeRecord { Loss = l.Loss, Samples = 10, Round = 1, Answered = 1 }))) };

    private static MemoryAttemptStore Store(NodeLedger ledger, string[]? there = null, ulong seed = 1) =>
        new MemoryAttemptStore { Round = 2, Seed = seed, Candidates = there ?? Five }.WithGlobal("node_selection", ledger);

    private static async Task<RoundRequest> AskAsync(string policy, NodeLedger ledger, string[]? there = null, ulong seed = 1)
    {
        var store = Store(ledger, there, seed).WithResult("nobody", "train_metrics", new { Samples = 1 });
        await store.RunAsync(new RoundScheduler(), new { Select = policy });
        return store.Requests.Request!;
    }
}

using System.Text.RegularExpressions;
using MantaLight.Messaging;
using MantaLight.Protocol;
using MantaLight.Shared;
using MantaLight.Tasks;
using MantaLight.Weights;

namespace MantaLight.Tests.Nodes;

/// <summary>
/// Whole swarms whose contributions lose something on their way, which later ones make up for: of three elements that all are to grow by the same, only the
/// one that lacks most travels. What a round has lost counts when the round did.
/// </summary>
public sealed partial class ErrorFeedbackSwarmTests
{
    // (1 * 10 + 2 * 20) / 30, each round.
    private const float Mean = 5 / 3f;

    [Fact]
    public async Task What_a_round_has_lost_comes_in_the_next_ones()
    {
        await using var run = await Run.StartAsync();
        await run.PublishAsync(rounds: 3);
        // Without it all three rounds would have gone to the first element.
        Assert.Equal((float[])[Mean, 2 * Mean, 3 * Mean], await run.GlobalAsync());
        // The older ones go when its node has seen the end.
        await SwarmHarness.EventuallyAsync(() => run.Kept("node_0") is [3]);
    }

    [Fact]
    public async Task An_attempt_that_failed_after_its_contribution_has_lost_nothing()
    {
        await using var run = await Run.StartAsync();
        await run.PublishAsync(rounds: 3, nameof(ThrowsAfterItsContribution));
        Assert.Equal((float[])[Mean, 2 * Mean, 3 * Mean], await run.GlobalAsync());
        Assert.Equal(6, run.Failures.Count());
    }

    [Fact]
    public async Task A_round_that_was_skipped_has_lost_nothing()
    {
        await using var run = await Run.StartAsync(nodes: 1);
        // It fails when the other one has contributed.
        await run.Swarm.AddNodeAsync(run.Swarm.Settings("node_1") with
        {
            BeforeAttempt = async (round, alias, _) =>
            {
                if (alias != "worker" || round > 2)
                    return;
                await SwarmHarness.EventuallyAsync(() => run.Records.Any(r => r is { From: "node_0", Alias: "worker" } && r.Round == round));
                throw new InvalidOperationException("not yet");
            },
        });
        await run.PublishAsync(rounds: 3, rules: "\"retries\": 0, \"leave_out_after\": 0, \"on_shortfall\": \"skip\"");
        var end = await run.EndAsync();
        Assert.Equal([true, true, false], end.History.Select(h => h.Skipped is not null));
        Assert.Equal((float[])[Mean, 0, 0], await run.GlobalAsync());
        await SwarmHarness.EventuallyAsync(() => run.Kept("node_0") is [3]);
    }

    [Fact]
    public async Task An_attempt_in_whose_place_another_has_come_does_not_take_what_that_one_keeps()
    {
        await using var run = await Run.StartAsync(nodes: 0);
        await run.Swarm.AddNodeAsync(run.Swarm.Settings("node_0") with { Concurrency = 2 });
        await run.Swarm.AddNodeAsync("node_1");
        await run.PublishAsync(rounds: 1, nameof(LingersOnTheFirstNode));
        await LingersOnTheFirstNode.Contributed.Task.WaitAsync(SwarmHarness.Patience);
        // As a coordinator would that has lost the first one's word.
        var order = run.Schedules.First(s => s is { Alias: "worker" } && s.Attempt.Contains(".node_0.", StringComparison.Ordinal));
        var again = order with { Number = 2, Attempt = order.Attempt[..^1] + "2", Id = order.Id + "-again" };
        await run.Swarm.Owner.PublishAsync(new OutboundMessage(run.Swarm.Topics.Schedule("vectors", "node_0"), ProtocolJson.Write(again)), CancellationToken.None);
        await SwarmHarness.EventuallyAsync(() => run.Records.Any(r => r.Attempt == again.Attempt));
        LingersOnTheFirstNode.Go.SetResult();
        await SwarmHarness.EventuallyAsync(() => run.Failures.Any(f => f.Attempt == order.Attempt));
        Assert.Equal([1], run.Kept("node_0"));
    }

    [Fact]
    public async Task A_difference_is_taken_from_the_global_that_it_was_made_of_though_that_has_been_replaced()
    {
        await using var run = await Run.StartAsync();
        await run.PublishAsync(rounds: 1, mover: true, codec: "[\"delta\", \"zstd\"]");
        Assert.Equal((float[])[Mean, Mean, Mean], await run.GlobalAsync());
        var contribution = run.Records.SelectMany(r => r.Results).First(r => r.Tag == "model_params");
        Assert.Equal(run.Records.Single(r => r.Alias == "setup").Globals.Single().Content.Blob, contribution.Base);
    }

    private sealed partial class Run : IAsyncDisposable
    {
        private readonly SimulatedBroker broker;
        private SwarmState? end;

        private Run(SimulatedBroker broker, SwarmHarness swarm) => (this.broker, Swarm) = (broker, swarm);

        public SwarmHarness Swarm { get; }

        public IEnumerable<TaskCompleted> Records => Read<TaskCompleted>();

        public IEnumerable<TaskFailed> Failures => Read<TaskFailed>();

        public IEnumerable<ScheduleAttempt> Schedules => Read<ScheduleAttempt>();

        public static async Task<Run> StartAsync(int nodes = 2)
        {
            var broker = new SimulatedBroker();
            return new Run(broker, await SwarmHarness.StartAsync(broker, nodes));
        }

        public Task PublishAsync(
            int rounds, string worker = "VectorWorker", string rules = "\"retries\": 1", bool mover = false, string codec = "[\"delta\", \"top_k 0.3\"]")
        {
            var definition = SwarmHarness.Definition(worker, rounds, minimumNodes: 2, extra: $", \"codecs\": {{ \"model_params\": {codec} }}")
                .Replace("\"retries\": 1", rules, StringComparison.Ordinal);
            return Swarm.PublishDefinitionAsync(!mover ? definition : definition.Replace(
                """{ "alias": "aggregator", "type": "FedAvg", "after": ["worker"] }""",
                """{ "alias": "mover", "type": "MovesTheGlobal", "after": ["worker"] }, { "alias": "aggregator", "type": "FedAvg", "after": ["worker", "mover"] }""", StringComparison.Ordinal));
        }

        public async Task<SwarmState> EndAsync() => end ??= await Swarm.WaitForEndAsync();

        public async Task<float[]> GlobalAsync()
        {
            var state = await EndAsync();
            Assert.True(state.Status == RunStatus.Completed, state.Reason);
            var blob = state.Globals.Single(g => g.Tag == "global_model_params").Content.Blob!;
            var bytes = Enumerable.Range(0, blob.ChunkCount).SelectMany(i => broker.Retained[Swarm.Topics.SwarmBlob("vectors", blob.Sha256, i)].ToArray()).ToArray();
            using var weights = WeightsCodec.Decode(bytes);
            return weights["w"].Span<float>().ToArray();
        }

        /// <summary>The rounds of which a node keeps what they have lost.</summary>
        public int[] Kept(string node)
        {
            var folder = Path.Combine(Swarm.Settings(node).StateFolder, "kept");
            return !Directory.Exists(folder) ? [] : [.. Directory.GetFiles(folder).Select(f => RoundOf.Match(f)).Where(m => m.Success).Select(m => int.Parse(m.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture)).Order()];
        }

        public ValueTask DisposeAsync() => Swarm.DisposeAsync();

        private T[] Read<T>()
            where T : ControlMessage =>
            Swarm.Messages.Select(m => ProtocolJson.Read<ControlMessage>(m.Payload, out _)).OfType<T>().DistinctBy(m => m.Id).ToArray();

        [GeneratedRegex(@"\+model_params\.(\d+)(\.open)?$")]
        private static partial Regex RoundOf { get; }
    }
}

/// <summary>A worker whose first attempt in each round throws when its contribution is staged.</summary>
public sealed class ThrowsAfterItsContribution : VectorWorker
{
    public override async Task RunAsync(CancellationToken cancellationToken)
    {
        await base.RunAsync(cancellationToken);
        if (Context.Attempt == 1)
            throw new InvalidOperationException("after all");
    }
}

/// <summary>On node_0, a worker whose first attempt ends only when the one test that uses it lets it go, whatever its token says.</summary>
public sealed class LingersOnTheFirstNode : VectorWorker
{
    public static TaskCompletionSource Contributed { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public static TaskCompletionSource Go { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public override async Task RunAsync(CancellationToken cancellationToken)
    {
        await base.RunAsync(cancellationToken);
        if (Context.Node != "node_0" || Context.Attempt != 1)
            return;
        Contributed.SetResult();
        await Go.Task;
        cancellationToken.ThrowIfCancellationRequested();
    }
}

/// <summary>Sets another global than the one that the workers began with.</summary>
public sealed class MovesTheGlobal : SwarmTask
{
    public override Task RunAsync(CancellationToken cancellationToken)
    {
        using var far = Vector.Of(100, 100, 100);
        World.Globals.SetWeights("global_model_params", far);
        return Task.CompletedTask;
    }
}

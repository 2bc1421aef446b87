using MantaLight.Messaging;
using MantaLight.Protocol;
using MantaLight.Shared;

namespace MantaLight.Tests.Nodes;

/// <summary>Results that travel before the task that reads them begins.</summary>
public sealed class ResultsAheadTests
{
    [Fact]
    public async Task Results_are_pulled_while_a_slow_node_still_trains()
    {
        var hold = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 2);
        await swarm.AddNodeAsync(swarm.Settings("node_2") with { BeforeAttempt = (round, alias, stop) => round == 1 && alias == "worker" ? hold.Task.WaitAsync(stop) : Task.CompletedTask });
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition(rounds: 1, minimumNodes: 3));
        await SwarmHarness.EventuallyAsync(() => All<BlobRequest>().Any());
        Assert.DoesNotContain(All<TaskCompleted>(), c => c is { From: "node_2", Alias: "worker" });
        hold.SetResult();
        var end = await swarm.WaitForEndAsync();
        Assert.Equal((RunStatus.Completed, 3), (end.Status, end.History[0].Participants));

        IEnumerable<T> All<T>()
            where T : ControlMessage => swarm.Messages.Select(m => ProtocolJson.Read<ControlMessage>(m.Payload, out _)).OfType<T>();
    }

    [Fact]
    public async Task What_is_told_ahead_in_vain_costs_the_round_nothing()
    {
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 2);
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition("EndlessWorker", rounds: 1, minimumNodes: 2));
        var state = await swarm.WaitAsync(s => s.Round == 1);
        // Of a node that there is not, and of a blob that nobody has; and one whose parts cannot be.
        await TellAsync(swarm, state, new string('a', 64));
        await TellAsync(swarm, state, "not a hash");
        await HasAskedAsync(swarm);
        await swarm.ControlAsync(SwarmAction.Stop);
        Assert.Equal(RunStatus.Stopped, (await swarm.WaitForEndAsync()).Status);
    }

    [Fact]
    public async Task A_node_that_stops_does_not_wait_for_what_it_was_bringing()
    {
        await using var swarm = await SwarmHarness.StartAsync(new SimulatedBroker(), nodes: 2);
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition("EndlessWorker", rounds: 1, minimumNodes: 2));
        await TellAsync(swarm, await swarm.WaitAsync(s => s.Round == 1), new string('a', 64));
        await HasAskedAsync(swarm);
        // Its producer, which there is not, would be given up after fifteen seconds.
        await swarm.StopNodeAsync("node_0").WaitAsync(TimeSpan.FromSeconds(8), TestContext.Current.CancellationToken);
    }

    private static async Task TellAsync(SwarmHarness swarm, SwarmState state, string hash)
    {
        var order = new FetchAhead
        {
            From = state.From, Incarnation = state.Incarnation, Id = hash, Sent = DateTimeOffset.UnixEpoch, Run = state.Run, Term = state.Term, Swarm = "vectors", Round = 1, Alias = "aggregator",
            Inputs =
            [
                new ScheduledInput
                {
                    Node = "nobody", Alias = "worker",
                    Staged = new StagedResult
                    {
                        Tag = "model_params", Samples = 1,
                        Content = new ValueRef { Blob = new BlobRef { Sha256 = hash, Size = 10, ChunkSize = 1024, ChunkCount = 1, Format = ValueFormat.Weights } },
                    },
                },
            ],
        };
        await swarm.Owner.PublishAsync(new OutboundMessage(swarm.Topics.Inbox("node_0"), ProtocolJson.Write(order)), TestContext.Current.CancellationToken);
    }

    private static Task HasAskedAsync(SwarmHarness swarm) =>
        SwarmHarness.EventuallyAsync(() => swarm.Messages.Any(m => m.Topic == swarm.Topics.Inbox("nobody") && ProtocolJson.Read<BlobRequest>(m.Payload, out _) is { From: "node_0" }));
}

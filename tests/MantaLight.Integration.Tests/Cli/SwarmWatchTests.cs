using System.Text.RegularExpressions;
using MantaLight.Broker;
using MantaLight.Cli;
using MantaLight.Integration.Tests.Brokers;
using MantaLight.Messaging;
using MantaLight.Mqtt;
using MantaLight.Protocol;
using MantaLight.Shared;
using Microsoft.Extensions.Logging.Abstractions;

namespace MantaLight.Integration.Tests.Cli;

/// <summary><c>swarm watch</c> never hangs without a word.</summary>
public sealed class SwarmWatchTests : IAsyncLifetime
{
    private readonly StringWriter output = new();
    private readonly TextWriter writer;
    private EmbeddedBroker broker = null!;

    public SwarmWatchTests() => writer = TextWriter.Synchronized(output);

    private string Output
    {
        get
        {
            // What a synchronized writer locks itself.
            lock (writer)
                return output.ToString();
        }
    }

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => broker = await StartBrokerAsync(0);

    public async ValueTask DisposeAsync() => await broker.DisposeAsync();

    [Fact]
    public async Task When_all_nodes_that_can_coordinate_have_gone_the_watch_says_so_and_goes_on_when_others_come()
    {
        await using var swarm = await SwarmHarness.StartAsync(new MqttBroker(new MqttBrokerOptions { Uri = broker.Uri }), nodes: 1);
        await swarm.PublishDefinitionAsync(SwarmHarness.Definition(rounds: 1, minimumNodes: 2));
        await swarm.WaitAsync(s => s.Waiting is not null);
        var watch = WatchAsync(swarm.Topics.Cluster);
        await SaysAsync("Waiting: task 'worker' has 1 of 2 nodes");
        // Somebody who is there and cannot coordinate.
        var bystander = new MessageStamp("bystander", "1", TimeProvider.System).Stamp(new Presence { Status = NodeStatus.Online });
        await swarm.Owner.PublishAsync(new OutboundMessage(swarm.Topics.Presence("bystander"), ProtocolJson.Write(bystander), retain: true), Cancelled);

        await swarm.StopNodeAsync("node_0");
        await SaysAsync(@"Waiting: nobody has coordinated for \d+ s \(last: node_0, term \d+\); 1 node online");

        await swarm.AddNodeAsync("node_1");
        await swarm.AddNodeAsync("node_2");
        Assert.Equal(ExitCodes.Success, await watch.WaitAsync(SwarmHarness.Patience, Cancelled));
        await SaysAsync(@"node_\d coordinates \(term \d+\), after \d+ s in which nobody did");
        await SaysAsync("Swarm vectors: completed");
    }

    [Fact]
    public async Task When_the_broker_has_gone_the_watch_says_so_and_goes_on_when_it_is_back()
    {
        var swarm = await SwarmHarness.StartAsync(new MqttBroker(new MqttBrokerOptions { Uri = broker.Uri }), nodes: 1);
        await using (swarm)
        {
            await swarm.PublishDefinitionAsync(SwarmHarness.Definition(rounds: 1, minimumNodes: 2));
            await swarm.WaitAsync(s => s.Waiting is not null);
            var watch = WatchAsync(swarm.Topics.Cluster);
            await SaysAsync("Waiting: task 'worker' has 1 of 2 nodes");

            var port = broker.Port;
            await broker.DisposeAsync();
            await SaysAsync($@"Waiting: broker mqtt://127\.0\.0\.1:{port} not reachable for \d s: .*connection refused.*; trying again");

            broker = await StartBrokerAsync(port);
            await SaysAsync(@"The broker is reachable again after \d+ s");
            await swarm.AddNodeAsync("node_1");
            Assert.Equal(ExitCodes.Success, await watch.WaitAsync(SwarmHarness.Patience, Cancelled));
        }
    }

    [Fact]
    public async Task A_broker_that_refuses_the_watch_when_it_is_back_ends_it()
    {
        await PublishOldStateAsync();
        var watch = WatchAsync("local");
        await SaysAsync("Waiting: node_1 is away");
        var port = broker.Port;
        await broker.DisposeAsync();
        await using var refusing = new FakeBroker(_ => FakeBroker.NotAuthorized5, port);
        Assert.Equal(ExitCodes.Environment, await watch.WaitAsync(SwarmHarness.Patience, Cancelled));
        await SaysAsync("error: The watch of swarm 'vectors' is over.*refused the connection: not authorized");
    }

    [Fact]
    public async Task Show_and_list_tell_how_old_a_wait_is()
    {
        await PublishOldStateAsync();
        var show = await CliRun.OfAsync("swarm", "show", "vectors", "--broker", broker.Uri.OriginalString);
        Assert.Contains("Waiting: node_1 is away (as of 10 min ago)", show.Output, StringComparison.Ordinal);
        var list = await CliRun.OfAsync("swarm", "list", "--broker", broker.Uri.OriginalString);
        Assert.Contains("node_1 is away (as of 10 min ago)", list.Output, StringComparison.Ordinal);
    }

    private async Task PublishOldStateAsync()
    {
        await using var connection = await new MqttBroker(new MqttBrokerOptions { Uri = broker.Uri }).ConnectAsync(new ConnectionProfile { ClientId = "old" }, Cancelled);
        var state = new SwarmState
        {
            Swarm = "vectors", From = "node_0", Run = "run-1", Term = 1, Start = 1, Status = RunStatus.Running, Waiting = "node_1 is away",
            Sent = TimeProvider.System.GetUtcNow().AddMinutes(-10),
        };
        await connection.PublishAsync(new OutboundMessage(new Topics("local").State("vectors"), ProtocolJson.Write(state), retain: true), Cancelled);
    }

    private Task<int> WatchAsync(string cluster) => CommandLine.InvokeAsync(
        ["swarm", "watch", "vectors", "--cluster", cluster, "--broker", broker.Uri.OriginalString],
        new CliConsole(writer, writer), Cancelled);

    /// <summary>Waits until the watch has written a line.</summary>
    private async Task SaysAsync(string pattern)
    {
        try
        {
            await SwarmHarness.EventuallyAsync(() => Regex.IsMatch(Output, pattern));
        }
        catch (TimeoutException)
        {
            Assert.Fail($"No line like '{pattern}' in:\n{Output}");
        }
    }

    private static Task<EmbeddedBroker> StartBrokerAsync(int port) =>
        EmbeddedBroker.StartAsync(new EmbeddedBrokerOptions { Port = port }, NullLoggerFactory.Instance, TimeProvider.System, Cancelled);
}

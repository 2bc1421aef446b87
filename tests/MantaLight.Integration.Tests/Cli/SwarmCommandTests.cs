using System.Buffers;
using MantaLight.Broker;
using MantaLight.Cli;
using MantaLight.Cli.Commands;
using MantaLight.Messaging;
using MantaLight.Mqtt;
using MantaLight.Protocol;
using MantaLight.Swarms;
using Microsoft.Extensions.Logging.Abstractions;

namespace MantaLight.Integration.Tests.Cli;

public sealed class SwarmCommandTests : ToolOnBrokerTests
{
    private const string Good = """
        { "name": "small", "module": "Nowhere", "globals": { "lr": 1 },
          "tasks": [ { "alias": "work", "type": "Work", "method": "all", "datasets": ["digits"] } ] }
        """;

    private static readonly Topics Topics = new("local");

    [Fact]
    public async Task A_deployed_definition_stands_on_its_topic()
    {
        var run = await RunAsync("deploy", File(Good), "--id", "other", "--set", "lr=2");
        Assert.Equal(ExitCodes.Success, run.Code);
        Assert.Contains("No node is online", run.Output, StringComparison.Ordinal);
        await using var connection = await ConnectAsync();
        var found = new TaskCompletionSource<BrokerMessage>();
        await using var subscription = await connection.SubscribeAsync(Topics.Definition("other"), found.SetResult, Cancelled);
        var definition = SwarmJson.Parse((await found.Task.WaitAsync(Cancelled)).Payload.ToArray());
        Assert.Equal(2, definition.Globals["lr"].GetInt32());
        Assert.Contains("other  not started", (await RunAsync("list")).Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{ \"name\": \"small\" ", "")]
    [InlineData("{ \"name\": \"small\", \"module\": \"M\", \"tasks\": [ { \"alias\": \"a\", \"type\": \"T\", \"after\": [\"b\"] } ] }", "$.tasks[0].after")]
    public async Task A_bad_definition_is_refused_before_anything_is_published(string text, string problem)
    {
        var run = await RunAsync("deploy", File(text));
        Assert.Equal(ExitCodes.Usage, run.Code);
        Assert.Contains(problem, run.Error, StringComparison.Ordinal);
        Assert.Contains("swarm.json", run.Error, StringComparison.Ordinal);
        Assert.Equal("There is no swarm.", (await RunAsync("list")).Output.Trim());
    }

    [Fact]
    public async Task A_data_set_that_no_node_online_has_is_refused_with_those_there_are()
    {
        await using var connection = await ConnectAsync();
        var presence = new MessageStamp("node_0", "1", TimeProvider.System).Stamp(
            new Presence { Status = NodeStatus.Online, Modules = ["Nowhere"], Datasets = [new PresentDataset { Name = "letters" }] });
        await connection.PublishAsync(new OutboundMessage(Topics.Presence("node_0"), ProtocolJson.Write(presence), retain: true), Cancelled);
        var run = await RunAsync("deploy", File(Good));
        Assert.Equal(ExitCodes.Usage, run.Code);
        Assert.Contains("$.tasks[0].datasets: 'digits' is on no node online; there are letters.", run.Error, StringComparison.Ordinal);
        Assert.Equal("There is no swarm.", (await RunAsync("list")).Output.Trim());
        var status = await CliRun.OfAsync("status", "--broker", broker.Uri.OriginalString);
        Assert.Contains("node_0  letters", status.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("show")]
    [InlineData("stop")]
    [InlineData("watch")]
    [InlineData("remove")]
    public async Task A_swarm_that_is_not_there_is_told_as_such(string command)
    {
        var run = await RunAsync(command, "ghost");
        Assert.Equal(ExitCodes.Usage, run.Code);
        Assert.Contains("There is no swarm 'ghost' in cluster 'local'", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_swarm_that_has_been_removed_is_told_as_such()
    {
        await using var connection = await ConnectAsync();
        var tombstone = new SwarmState { From = "node_0", Incarnation = "i", Swarm = "gone", Run = "r-1", Term = 1, Definition = new string('a', 64), Start = 1, Status = RunStatus.Removed };
        await connection.PublishAsync(new OutboundMessage(Topics.State("gone"), ProtocolJson.Write(tombstone), retain: true), Cancelled);
        var run = await RunAsync("remove", "gone");
        Assert.Equal(ExitCodes.Usage, run.Code);
        Assert.Contains("Swarm 'gone' has been removed already", run.Error, StringComparison.Ordinal);
        Assert.Equal("There is no swarm.", (await RunAsync("list")).Output.Trim());
        Assert.Contains("gone   removed", (await RunAsync("list", "--all")).Output, StringComparison.Ordinal);

        // Deployed again, and nobody has started it yet.
        await RunAsync("deploy", File(Good.Replace("\"small\"", "\"gone\"", StringComparison.Ordinal)));
        Assert.Contains("gone   removed", (await RunAsync("list")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_task_of_a_run_that_has_ended_is_not_shown_as_running()
    {
        await using var connection = await ConnectAsync();
        var stopped = new SwarmState
        {
            From = "node_0", Incarnation = "i", Swarm = "vectors", Run = "r-1", Term = 1, Definition = new string('a', 64), Start = 1, Status = RunStatus.Stopped,
            Tasks = [new TaskState { Alias = "worker", Phase = TaskPhase.Running }, new TaskState { Alias = "test", Phase = TaskPhase.Pending }],
        };
        await connection.PublishAsync(new OutboundMessage(Topics.State("vectors"), ProtocolJson.Write(stopped), retain: true), Cancelled);
        var show = await RunAsync("show", "vectors");
        Assert.Contains("Task worker: ended with the run, ", show.Output, StringComparison.Ordinal);
        Assert.Contains("Task test: not begun, ", show.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("mqtt://elsewhere:1", "mqtt://elsewhere:1")]
    [InlineData("", "mqtt://127.0.0.1:1883")]
    [InlineData(null, "mqtt://127.0.0.1:1883")]
    public void The_broker_is_that_of_the_environment_where_no_flag_names_one(string? said, string expected) => Assert.Equal(
        expected, BrokerFlags.FromEnvironment(BrokerFlags.BrokerVariable, BrokerFlags.DefaultBroker, name => name == "MANTALIGHT_BROKER" ? said : null));

    [Fact]
    public async Task A_definition_that_nobody_has_started_is_removed_at_once()
    {
        await RunAsync("deploy", File(Good));
        Assert.Equal(ExitCodes.Success, (await RunAsync("remove", "small")).Code);
        Assert.Equal("There is no swarm.", (await RunAsync("list")).Output.Trim());
    }

    private Task<CliRun> RunAsync(params string[] arguments) => CliRun.OfAsync(["swarm", .. arguments, "--broker", broker.Uri.OriginalString]);

    private Task<IBrokerConnection> ConnectAsync() =>
        new MqttBroker(new MqttBrokerOptions { Uri = broker.Uri }).ConnectAsync(new ConnectionProfile { ClientId = "swarm_command_tests" }, Cancelled);

    private string File(string text)
    {
        var path = Path.Combine(folder.FullName, "swarm.json");
        System.IO.File.WriteAllText(path, text);
        return path;
    }
}

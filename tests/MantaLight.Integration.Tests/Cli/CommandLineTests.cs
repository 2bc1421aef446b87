using MantaLight.Cli;
using MantaLight.Cli.Hosting;
using MantaLight.Node;
using Microsoft.Extensions.Configuration;

namespace MantaLight.Integration.Tests.Cli;

public sealed class CommandLineTests
{
    [Theory]
    [InlineData("run", "Required argument")]
    [InlineData("run x --nodes 0", "--nodes 0 is not possible")]
    [InlineData("run x --rounds 0", "--rounds 0 is not possible")]
    [InlineData("run x --partition wild", "--partition 'wild' is not possible")]
    [InlineData("run x --test some", "some")]
    [InlineData("run x --id a/b", "--id 'a/b' is not possible")]
    [InlineData("run x --checkpoint-every 0", "--checkpoint-every 0 is not possible")]
    [InlineData("run x --attack wild:1", "'wild:1' is no attack")]
    [InlineData("run x --attackers 2", "add --attack")]
    [InlineData("run x --attack sign_flip:4 --attackers 3", "--attackers 3 is not possible; 1 to 2 are")]
    [InlineData("run x --attack sign_flip:4 --processes", "leave --processes out")]
    [InlineData("run no/such/folder", "is not there")]
    [InlineData("run x --broker nonsense", "address 'nonsense' is not valid")]
    [InlineData("swarm show a+b", "'a+b' is not possible")]
    [InlineData("swarm list --cluster a#b", "--cluster 'a#b' is not possible")]
    [InlineData("swarm deploy no/such/file.json", "is not there")]
    [InlineData("node --id a/b", "'a/b' is not an id")]
    [InlineData("node --id a --dataset mnist", "expected is NAME=PATH")]
    [InlineData("node --id a --module no/such.dll", "no/such.dll is not there")]
    [InlineData("broker --port 99999", "Port is 99999")]
    [InlineData("broker --address somewhere", "Address is 'somewhere'")]
    public async Task What_cannot_be_is_refused_as_usage_with_what_and_why(string arguments, string message)
    {
        var run = await CliRun.OfAsync(arguments.Split(' '));
        Assert.Equal(ExitCodes.Usage, run.Code);
        Assert.Contains(message, run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("status")]
    [InlineData("swarm watch mnist")]
    [InlineData("node --id a")]
    public async Task A_broker_that_does_not_answer_is_told_as_such(string arguments)
    {
        var run = await CliRun.OfAsync([.. arguments.Split(' '), "--broker", "mqtt://127.0.0.1:1"]);
        Assert.Equal(ExitCodes.Environment, run.Code);
        Assert.Contains("No broker answers at mqtt://127.0.0.1:1", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("run")]
    [InlineData("node")]
    [InlineData("broker")]
    [InlineData("status")]
    [InlineData("swarm deploy")]
    [InlineData("swarm watch")]
    [InlineData("doctor")]
    [InlineData("compare")]
    [InlineData("data partition")]
    public async Task Help_ends_with_examples(string command)
    {
        var run = await CliRun.OfAsync([.. command.Split(' '), "--help"]);
        Assert.Equal(ExitCodes.Success, run.Code);
        Assert.Contains($"Examples:{Environment.NewLine}  ", run.Output, StringComparison.Ordinal);
        Assert.Contains($"mantalight {command}", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Flags_win_over_the_configuration_of_a_node()
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["MantaLight:Id"] = "configured",
            ["MantaLight:Concurrency"] = "7",
            ["MantaLight:Datasets:a"] = "one",
            ["MantaLight:Datasets:b"] = "two",
            ["MantaLight:Tags:0"] = "old",
            ["MantaLight:Tags:1"] = "older",
        }).Build();
        var options = NodeHost.Read(configuration, new NodeFlags { Id = "given", Datasets = ["b=x=y"], Tags = ["new"], Telemetry = TelemetryExport.Console });
        Assert.Equal(("given", 7, TelemetryExport.Console), (options.Id, options.Concurrency, options.Telemetry));
        Assert.Equal("one", options.Datasets["a"]);
        Assert.Equal("x=y", options.Datasets["b"]);
        Assert.Equal(["new"], options.Tags);
    }

    [Fact]
    public void A_setting_of_the_wrong_type_is_named()
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?> { ["MantaLight:Concurrency"] = "many" }).Build();
        var refusal = Assert.Throws<InvalidSettingException>(() => NodeHost.Read(configuration, new NodeFlags { Id = "a" }));
        Assert.Contains("Concurrency", refusal.Message, StringComparison.Ordinal);
    }
}

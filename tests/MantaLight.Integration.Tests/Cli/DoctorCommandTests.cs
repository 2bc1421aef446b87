using System.Text.Json;
using MantaLight.Broker;
using MantaLight.Cli;
using MantaLight.Integration.Tests.Brokers;
using MantaLight.Messaging;
using MantaLight.Mqtt;
using MantaLight.Protocol;
using Microsoft.Extensions.Logging.Abstractions;

namespace MantaLight.Integration.Tests.Cli;

public sealed class DoctorCommandTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("mantalight-doctor-");

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public async Task Everything_in_order_on_the_embedded_broker_is_ok_with_measured_values()
    {
        await FewDigits.WriteAsync(folder.FullName);
        await using var broker = await StartAsync();
        var (code, findings) = await RunAsync(Definition(), "--broker", broker.Uri.OriginalString, "--data", folder.FullName);
        Assert.Equal(ExitCodes.Success, code);
        // How fast a machine is, and how full its disk, is not the test's to say.
        string[] machine = ["round trip", "state folder", "free space", "time"];
        Assert.All(findings.Where(f => !machine.Contains(f.Check)), f => Assert.True(f.Verdict == "ok" || f.Check == "present", f.ToString()));
        foreach (var check in (string[])["node", "accepted", "wildcards", "limits", "chunk", "connect", "takeover", "round trip", "will", "present", "state folder", "free space", "libtorch", "definition", "time"])
            Assert.Contains(findings, f => f.Check == check);
        // The embedded broker does not wait with wills.
        Assert.Contains("does not wait", Single(findings, "will").Found, StringComparison.Ordinal);
        Assert.Contains("x_train uint8 [96, 28, 28]", Single(findings, "mnist of node_1").Found, StringComparison.Ordinal);
        Assert.Contains("Worker, FedAvg, Test, Scheduler", Single(findings, "MantaLight.Examples.Mnist").Found, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Mosquitto_waits_with_a_will_as_it_is_asked_to()
    {
        await using var mosquitto = await MosquittoProcess.StartAsync();
        var (code, findings) = await RunAsync("--broker", mosquitto.Uri.OriginalString);
        Assert.Equal(ExitCodes.Success, code);
        Assert.Contains("with the delay that was asked for", Single(findings, "will").Found, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_wrong_password_is_a_problem()
    {
        var passwords = Path.Combine(folder.FullName, "passwords");
        await File.WriteAllTextAsync(passwords, "", Cancelled);
        await using var mosquitto = await MosquittoProcess.StartAsync($"allow_anonymous false\npassword_file {passwords}");
        var (code, findings) = await RunAsync("--broker", $"mqtt://me:wrong@127.0.0.1:{mosquitto.Port}");
        Assert.Equal(ExitCodes.Failure, code);
        var problem = Assert.Single(findings, f => f.Verdict == "problem");
        Assert.Equal(("broker", "accepted"), (problem.Area, problem.Check));
        Assert.Contains("check the user name, the password", problem.Found, StringComparison.Ordinal);
        Assert.DoesNotContain("wrong", problem.Found, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nothing_listening_is_a_problem_and_the_rest_is_looked_at_all_the_same()
    {
        var run = await CliRun.OfAsync("doctor", "--broker", "mqtt://127.0.0.1:1", "--state-folder", folder.FullName);
        Assert.Equal(ExitCodes.Failure, run.Code);
        Assert.Contains("problem broker, reachable: No broker answers at mqtt://127.0.0.1:1", run.Output, StringComparison.Ordinal);
        Assert.Contains("ok      disk, state folder:", run.Output, StringComparison.Ordinal);
        Assert.Contains("1 problem, 0 warnings,", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Data_that_are_broken_or_missing_are_problems_with_their_files()
    {
        await FewDigits.WriteAsync(folder.FullName);
        var broken = Path.Combine(folder.FullName, "broken.npz");
        var bytes = await File.ReadAllBytesAsync(FewDigits.FileOf(folder.FullName, 0), Cancelled);
        bytes[2000] ^= 0xFF;
        await File.WriteAllBytesAsync(broken, bytes, Cancelled);
        await FewDigits.WriteAsync(folder.FullName, brokenTestData: true);
        var unequal = FewDigits.FileOf(folder.FullName, 0);
        var (code, findings) = await RunAsync(
            Definition(), "--broker", "mqtt://127.0.0.1:1", "--dataset", $"broken={broken}", "--dataset", $"unequal={unequal}", "--dataset", "gone=no/such.npz");
        Assert.Equal(ExitCodes.Failure, code);
        Assert.Contains($"{broken} cannot be read", Single(findings, "broken").Found, StringComparison.Ordinal);
        Assert.Equal("x_test has 32 samples and y_test 16: make them equal.", Single(findings, "unequal").Remedy);
        Assert.Contains("no/such.npz is not there", Single(findings, "gone").Found, StringComparison.Ordinal);
        Assert.Equal("Map it: --dataset mnist=PATH", Single(findings, "mnist").Remedy);
        Assert.All(findings.Where(f => f.Area == "data"), f => Assert.Equal("problem", f.Verdict));
    }

    [Fact]
    public async Task Modules_and_definitions_that_do_not_fit_are_problems_with_what_is_known()
    {
        var definition = Definition(FewDigits.Definition.Replace("\"FedAvg\"", "\"FedAvgg\"", StringComparison.Ordinal));
        var (code, findings) = await RunAsync(definition, "--broker", "mqtt://127.0.0.1:1", "--module", "no/such.dll");
        Assert.Equal(ExitCodes.Failure, code);
        Assert.Contains("no/such.dll is not there", Single(findings, "no/such.dll").Found, StringComparison.Ordinal);
        Assert.Contains("did you mean 'FedAvg'?", Single(findings, "MantaLight.Examples.Mnist").Found, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_state_folder_that_cannot_be_written_to_is_a_problem()
    {
        var file = Path.Combine(folder.FullName, "file");
        await File.WriteAllTextAsync(file, "", Cancelled);
        var (code, findings) = await RunAsync("--broker", "mqtt://127.0.0.1:1", "--state-folder", file);
        Assert.Equal(ExitCodes.Failure, code);
        Assert.Contains($"{file} cannot be written to", Single(findings, "state folder").Found, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Other_nodes_are_asked_and_a_clock_that_is_off_or_a_silence_is_a_warning()
    {
        await using var broker = await StartAsync();
        var topics = new Topics("local");
        await using var connection = await new MqttBroker(new MqttBrokerOptions { Uri = broker.Uri }).ConnectAsync(new ConnectionProfile { ClientId = "nodes" }, Cancelled);
        await AnnounceAsync("node_0", TimeSpan.Zero);
        await AnnounceAsync("node_1", TimeSpan.FromSeconds(-90));
        await AnnounceAsync("node_2", TimeSpan.Zero);
        foreach (var (node, offset) in new[] { ("node_0", TimeSpan.Zero), ("node_1", TimeSpan.FromSeconds(-90)) })
            await connection.SubscribeAsync(topics.Inbox(node), _ => { AnnounceAsync(node, offset).AsTask(); }, Cancelled);
        var (code, findings) = await RunAsync("--broker", broker.Uri.OriginalString);
        Assert.Equal(ExitCodes.Success, code);
        Assert.Contains("3 in cluster local: node_0, node_1, node_2", Single(findings, "present").Found, StringComparison.Ordinal);
        Assert.Equal("ok", Single(findings, "node_0").Verdict);
        Assert.Equal("warning", Single(findings, "node_1").Verdict);
        Assert.Matches(@"clock -(8[89]|90)\.\d\d s from this one", Single(findings, "node_1").Found);
        Assert.Contains("does not answer within 3 s", Single(findings, "node_2").Found, StringComparison.Ordinal);

        ValueTask AnnounceAsync(string node, TimeSpan offset)
        {
            var presence = new MessageStamp(node, "1", TimeProvider.System).Stamp(new Presence { Status = NodeStatus.Online });
            presence = presence with { Sent = presence.Sent + offset };
            return connection.PublishAsync(new OutboundMessage(topics.Presence(node), ProtocolJson.Write(presence), retain: true), Cancelled);
        }
    }

    private static Task<EmbeddedBroker> StartAsync() =>
        EmbeddedBroker.StartAsync(new EmbeddedBrokerOptions { Port = 0 }, NullLoggerFactory.Instance, TimeProvider.System, Cancelled);

    private string Definition(string? text = null)
    {
        var path = Path.Combine(folder.FullName, "swarm.json");
        File.WriteAllText(path, text ?? FewDigits.Definition);
        return path;
    }

    private async Task<(int Code, Line[] Findings)> RunAsync(params string[] arguments)
    {
        if (!arguments.Contains("--state-folder"))
            arguments = [.. arguments, "--state-folder", folder.FullName];
        var run = await CliRun.OfAsync(["doctor", "--json", .. arguments]);
        var report = JsonElement.Parse(System.Text.Encoding.UTF8.GetBytes(run.Output));
        Line[] findings = [.. report.GetProperty("findings").EnumerateArray().Select(Line.Of)];
        Assert.Equal(findings.Count(f => f.Verdict == "problem"), report.GetProperty("problems").GetInt32());
        Assert.All(findings, f => Assert.True(f.Verdict == "ok" ? f.Remedy is null : f.Remedy?.Length > 10, f.ToString()));
        return (run.Code, findings);
    }

    private static Line Single(Line[] findings, string check) => Assert.Single(findings, f => f.Check == check);

    private sealed record Line(string Area, string Check, string Verdict, string Found, string? Remedy)
    {
        public static Line Of(JsonElement json) => new(
            json.GetProperty("area").GetString()!, json.GetProperty("check").GetString()!, json.GetProperty("verdict").GetString()!,
            json.GetProperty("found").GetString()!, json.GetProperty("remedy").GetString());
    }
}

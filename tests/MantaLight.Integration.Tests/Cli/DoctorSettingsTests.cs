using System.Diagnostics;
using System.Text.Json;
using MantaLight.Broker;
using MantaLight.Cli;
using MantaLight.Cli.Doctor;
using MantaLight.Cli.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging.Abstractions;

namespace MantaLight.Integration.Tests.Cli;

/// <summary>The doctor looks at what a node would do here: at its settings, wherever they come from.</summary>
public sealed class DoctorSettingsTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("mantalight-doctor-settings-");

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public async Task Flags_win_over_the_environment_and_that_over_the_file_as_for_a_node()
    {
        await using var broker = await EmbeddedBroker.StartAsync(new EmbeddedBrokerOptions { Port = 0 }, NullLoggerFactory.Instance, TimeProvider.System, Cancelled);
        await WriteAsync($$"""
            { "MantaLight": {
                "Id": "hospital_3", "Cluster": "of-file", "Broker": "{{broker.Uri.OriginalString.Replace("mqtt://", "mqtt://me:secret@", StringComparison.Ordinal)}}",
                "StateFolder": "state", "Datasets": { "scans": "no/such.npz" }, "Mqtt": { "MaximumPacketSize": 65536 }
            } }
            """);
        var (code, findings) = await RunProcessAsync(["--dataset", "more=no/more.npz"], ("MANTALIGHT_CLUSTER", "of-environment"));
        Assert.Equal(ExitCodes.Failure, code);
        var settings = findings["node"];
        Assert.Contains($"broker mqtt://127.0.0.1:{broker.Uri.Port} (appsettings.json), cluster of-environment (MANTALIGHT_CLUSTER), node id hospital_3 (appsettings.json); data sets: scans, more; modules: none", settings, StringComparison.Ordinal);
        Assert.Contains("accepts these credentials", findings["accepted"], StringComparison.Ordinal);
        Assert.Contains("a chunk of 60 KiB is stored below 'mantalight/of-environment/'", findings["chunk"], StringComparison.Ordinal);
        Assert.Contains("in cluster of-environment", findings["present"], StringComparison.Ordinal);
        Assert.Contains(Path.Combine(folder.FullName, "state"), findings["state folder"], StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(folder.FullName, "state")));
        Assert.Contains("no/such.npz is not there", findings["scans"], StringComparison.Ordinal);
        Assert.Contains("no/more.npz is not there", findings["more"], StringComparison.Ordinal);
        Assert.DoesNotContain(findings.Values, f => f.Contains("secret", StringComparison.Ordinal));

        (_, findings) = await RunProcessAsync(["--cluster", "of-flag"], ("MANTALIGHT_CLUSTER", "of-environment"));
        Assert.Contains("cluster of-flag (--cluster)", findings["node"], StringComparison.Ordinal);
        Assert.Contains("in cluster of-flag", findings["present"], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{ "MantaLight": { "Concurrency": "many" } }""", "Concurrency")]
    [InlineData("""{ "MantaLight": { "Concurrency": 0 } }""", "Concurrency")]
    [InlineData("""{ "MantaLight": { "Cluster": "a/b" } }""", "'a/b'")]
    [InlineData("""{ "MantaLight": { "Id": "a/b" } }""", "'a/b'")]
    [InlineData("""{ "MantaLight": { "Broker": "nonsense" } }""", "'nonsense'")]
    [InlineData("""{ "MantaLight": { "Mqtt": { "MaximumPacketSize": "large" } } }""", "MaximumPacketSize")]
    public async Task Settings_that_cannot_be_are_a_problem_and_the_rest_is_looked_at_by_flags(string file, string problem)
    {
        await WriteAsync(file);
        var settings = SettingsCheck.Read(
            () => new ConfigurationBuilder().AddJsonFile(Path.Combine(folder.FullName, "appsettings.json")).Build(), new NodeFlags { Datasets = ["a=b"] }, null, null);
        Assert.Equal(Verdict.Problem, settings.Found.Verdict);
        Assert.Contains(problem, settings.Found.Found, StringComparison.Ordinal);
        Assert.Contains("appsettings.json", settings.Found.Remedy, StringComparison.Ordinal);
        Assert.Equal(("mqtt://127.0.0.1:1883", "local"), (settings.Broker.Uri.OriginalString, settings.Cluster));
        Assert.Equal([KeyValuePair.Create("a", "b")], settings.Datasets);
    }

    [Fact]
    public async Task A_file_that_is_no_json_is_a_problem_too()
    {
        await WriteAsync("{ \"MantaLight\": ");
        var (code, findings) = await RunProcessAsync(["--broker", "mqtt://127.0.0.1:1"]);
        Assert.Equal(ExitCodes.Failure, code);
        Assert.Contains("appsettings.json", findings["node"], StringComparison.Ordinal);
        Assert.Contains("libtorch", findings.Keys);
    }

    private Task WriteAsync(string settings) => File.WriteAllTextAsync(Path.Combine(folder.FullName, "appsettings.json"), settings, Cancelled);

    /// <summary>A process of its own, as folder and environment are a process's.</summary>
    private async Task<(int Code, Dictionary<string, string> Findings)> RunProcessAsync(string[] arguments, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "MantaLight.Cli.dll"), "doctor", "--json", .. arguments])
        {
            WorkingDirectory = folder.FullName, RedirectStandardOutput = true,
        };
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var written = await process.StandardOutput.ReadToEndAsync(Cancelled);
        await process.WaitForExitAsync(Cancelled);
        var findings = JsonElement.Parse(written).GetProperty("findings").EnumerateArray();
        return (process.ExitCode, findings.ToDictionary(f => f.GetProperty("check").GetString()!, f => f.GetProperty("found").GetString()!, StringComparer.Ordinal));
    }
}

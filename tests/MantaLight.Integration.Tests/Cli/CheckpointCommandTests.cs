using System.Collections.Immutable;
using System.Text.Json;
using MantaLight.Broker;
using MantaLight.Checkpoints;
using MantaLight.Cli;
using MantaLight.Cli.Swarms;
using MantaLight.Shared;
using MantaLight.Swarms;
using MantaLight.Weights;
using Microsoft.Extensions.Logging.Abstractions;

namespace MantaLight.Integration.Tests.Cli;

/// <summary>Checkpoints and <c>--resume-from</c> as a user has them.</summary>
public sealed class CheckpointCommandTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("mantalight-checkpoints-");

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private string Checkpoints => Path.Combine(folder.FullName, "kept");

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public async Task A_run_that_goes_on_from_a_file_ends_with_the_bits_of_the_one_that_never_stopped()
    {
        await FewDigits.WriteAsync(folder.FullName);
        var undisturbed = await HashesAsync("--rounds", "3", "--checkpoints", Checkpoints, "--keep-checkpoints", "3");
        Assert.Equal(3, undisturbed.Length);
        Assert.Equal(
            ["mnist-round-1.safetensors", "mnist-round-2.safetensors", "mnist-round-3.safetensors"],
            Directory.EnumerateFiles(Checkpoints).Select(Path.GetFileName).Order(StringComparer.Ordinal));

        var resumed = await HashesAsync("--rounds", "3", "--resume-from", Kept(1));
        Assert.Equal(undisturbed[1..], resumed);
        // With processes, and from one that a resumed run would have written too.
        Assert.Equal(undisturbed[2..], await HashesAsync("--rounds", "3", "--resume-from", Kept(2), "--processes"));
    }

    [Theory]
    [InlineData("--checkpoint-every", "2")]
    [InlineData("--keep-checkpoints", "2")]
    public async Task Every_second_round_and_the_last_are_kept_or_the_last_two(string flag, string value)
    {
        await FewDigits.WriteAsync(folder.FullName);
        await HashesAsync("--rounds", "3", "--checkpoints", Checkpoints, flag, value);
        Assert.Equal(["mnist-round-2.safetensors", "mnist-round-3.safetensors"], Directory.EnumerateFiles(Checkpoints).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_file_that_a_run_cannot_go_on_from_is_refused_before_anything_starts()
    {
        await FewDigits.WriteAsync(folder.FullName);
        await WriteAsync(Kept(8), "mnist");
        await WriteAsync(Kept(2), "letters");
        await File.WriteAllTextAsync(Kept(3), "something else than a checkpoint", Cancelled);
        await RefusedAsync(Kept(8), "it is of round 8, and the last round is 8: nothing is left to run");
        await RefusedAsync(Kept(2), "it is of the swarm 'letters'");
        await RefusedAsync(Kept(3), "its header");
        await RefusedAsync(Kept(4), "is not there");
    }

    [Fact]
    public async Task A_deployed_checkpoint_stands_on_the_broker_until_its_swarm_is_removed()
    {
        await using var broker = await EmbeddedBroker.StartAsync(new EmbeddedBrokerOptions { Port = 0 }, NullLoggerFactory.Instance, TimeProvider.System, Cancelled);
        var uri = broker.Uri.OriginalString;
        await WriteAsync(Kept(2), "mnist");
        var deploy = await CliRun.OfAsync("swarm", "deploy", Definition(), "--resume-from", Kept(2), "--broker", uri);
        Assert.True(deploy.Code == ExitCodes.Success, deploy.Error);

        await using var client = await SwarmClient.ConnectAsync(broker.Uri, "local", TimeProvider.System, Cancelled);
        var definition = SwarmJson.Parse(System.Buffers.BuffersExtensions.ToArray((await client.DefinitionAsync("mnist", Cancelled))!.Value.Payload));
        var start = definition.Start!;
        Assert.Equal(2, start.Round);
        var blob = start.Globals["model"].Blob!;
        Assert.Equal(1, start.Globals["best"].Value!.Value.GetInt32());
        Assert.Equal(blob.ChunkCount, (await client.ReadRetainedAsync(client.Topics.SwarmBlobs("mnist", blob.Sha256) + "/+", Cancelled)).Count);

        Assert.Equal(ExitCodes.Success, (await CliRun.OfAsync("swarm", "remove", "mnist", "--broker", uri)).Code);
        Assert.Empty(await client.ReadRetainedAsync("mantalight/local/#", Cancelled));
    }

    [Fact]
    public async Task How_often_without_where_is_refused()
    {
        var run = await CliRun.OfAsync("run", Definition(), "--checkpoint-every", "2");
        Assert.Equal(ExitCodes.Usage, run.Code);
        Assert.Contains("need --checkpoints DIR", run.Error, StringComparison.Ordinal);
    }

    private string Kept(int round) => Path.Combine(Checkpoints, $"mnist-round-{round}.safetensors");

    private async Task RefusedAsync(string file, string problem)
    {
        var run = await CliRun.OfAsync("run", Definition(), "--data", folder.FullName, "--resume-from", file);
        Assert.Equal(ExitCodes.Usage, run.Code);
        Assert.Contains(file, run.Error, StringComparison.Ordinal);
        Assert.Contains(problem, run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("Starting", run.Output, StringComparison.Ordinal);
    }

    private async Task<string[]> HashesAsync(params string[] arguments)
    {
        var json = Path.Combine(folder.FullName, "out.json");
        var run = await CliRun.OfAsync(["run", Definition(), "--data", folder.FullName, "--json", json, .. arguments]);
        Assert.True(run.Code == ExitCodes.Success, $"exit code {run.Code}\n{run.Output}\n{run.Error}");
        return [.. JsonElement.Parse(await File.ReadAllBytesAsync(json, Cancelled)).GetProperty("rounds").EnumerateArray().Select(r => r.GetProperty("global_sha256").GetString()!)];
    }

    private string Definition()
    {
        var path = Path.Combine(folder.FullName, "swarm.json");
        File.WriteAllText(path, FewDigits.Definition);
        return path;
    }

    private static async Task WriteAsync(string path, string name)
    {
        using var weights = Vector.Of([1, 2, 3]);
        var round = int.Parse(Path.GetFileNameWithoutExtension(path).Split('-')[^1], System.Globalization.CultureInfo.InvariantCulture);
        var globals = ImmutableSortedDictionary.Create<string, NamedArrays>(StringComparer.Ordinal).Add("model", weights);
        await Checkpoint.WriteAsync(
            path,
            new CheckpointInfo
            {
                Swarm = name, Name = name, Module = "MantaLight.Examples.Mnist", Run = "r-1", Definition = "d", Seed = 42, Round = round,
                Weights = globals.ToImmutableSortedDictionary(g => g.Key, g => WeightsHash.Of(g.Value), StringComparer.Ordinal),
                Values = ImmutableSortedDictionary.Create<string, JsonElement>(StringComparer.Ordinal).Add("best", JsonElement.Parse("1"u8)),
            },
            globals, Cancelled);
    }
}

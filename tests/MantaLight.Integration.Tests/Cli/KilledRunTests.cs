using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using MantaLight.Cli;
using MantaLight.Integration.Tests.Data;

namespace MantaLight.Integration.Tests.Cli;

/// <summary>A server's memory (momentum and variance of FedAdam) is in the checkpoint with the model.</summary>
public sealed class KilledRunTests : IDisposable
{
    private const int Nodes = 4;
    private const int Rounds = 6;

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("mantalight-killed-");

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private string Checkpoints => Path.Combine(folder.FullName, "kept");

    private string Definition => Path.Combine(folder.FullName, "swarm.json");

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public async Task FedAdam_of_a_trimmed_mean_killed_at_a_random_moment_and_resumed_ends_with_the_bits_of_the_undisturbed_run()
    {
        await SyntheticDigits.WriteAsync(folder.FullName, Nodes, Cancelled);
        var definition = JsonNode.Parse(FewDigits.Definition)!;
        // All rounds are run, however soon the few digits are known.
        Assert.True(definition["globals"]!["hyperparameters"]!.AsObject().Remove("val_acc_threshold"));
        var aggregator = definition["tasks"]!.AsArray().Single(t => (string?)t!["alias"] == "aggregator")!;
        (aggregator["type"], aggregator["options"]) = ("Aggregate", JsonNode.Parse("""{ "aggregate": ["trimmed_mean b=1", "adam lr=0.03"] }"""));
        await File.WriteAllTextAsync(Definition, definition.ToJsonString(), Cancelled);
        var undisturbed = await HashesAsync();
        Assert.Equal(Rounds, undisturbed.Distinct().Count());

        var (round, beyond) = (Random.Shared.Next(1, Rounds - 1), TimeSpan.FromMilliseconds(Random.Shared.Next(400)));
        await KillAsync(afterRound: round, beyond);
        var last = Directory.EnumerateFiles(Checkpoints, "*.safetensors").MaxBy(RoundOf)!;
        Assert.InRange(RoundOf(last), round, Rounds - 1);
        var resumed = await HashesAsync("--resume-from", last);
        Assert.True(undisturbed.Skip(RoundOf(last)).SequenceEqual(resumed), $"killed {beyond.TotalMilliseconds:0} ms after round {round}, resumed from {last}");
    }

    /// <summary>Starts the run in a process of its own and kills it, some time after a round's checkpoint stands.</summary>
    private async Task KillAsync(int afterRound, TimeSpan beyond)
    {
        Directory.CreateDirectory(Checkpoints);
        using var watcher = new FileSystemWatcher(Checkpoints);
        var stands = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        void Seen(string? name)
        {
            if (name == $"mnist-round-{afterRound}.safetensors")
                stands.TrySetResult();
        }
        watcher.Created += (_, file) => Seen(file.Name);
        watcher.Renamed += (_, file) => Seen(file.Name);
        watcher.EnableRaisingEvents = true;

        var program = Path.Combine(AppContext.BaseDirectory, "MantaLight.Cli.dll");
        using var process = Process.Start(new ProcessStartInfo("dotnet", [program, "run", Definition, .. Arguments(), "--checkpoints", Checkpoints, "--keep-checkpoints", "10"])
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
        })!;
        var written = Task.WhenAll(process.StandardOutput.ReadToEndAsync(Cancelled), process.StandardError.ReadToEndAsync(Cancelled));
        if (await Task.WhenAny(stands.Task, written) == written)
            Assert.Fail($"The run ended by itself: {string.Join('\n', await written)}");
        await Task.Delay(beyond, Cancelled);
        process.Kill(entireProcessTree: true);
        await process.WaitForExitAsync(Cancelled);
        await written;
    }

    private async Task<string[]> HashesAsync(params string[] more)
    {
        var json = Path.Combine(folder.FullName, "out.json");
        var run = await CliRun.OfAsync(["run", Definition, .. Arguments(), "--json", json, .. more]);
        Assert.True(run.Code == ExitCodes.Success, $"exit code {run.Code}\n{run.Output}\n{run.Error}");
        return [.. JsonElement.Parse(await File.ReadAllBytesAsync(json, Cancelled)).GetProperty("rounds").EnumerateArray().Select(r => r.GetProperty("global_sha256").GetString()!)];
    }

    private string[] Arguments() => ["--nodes", $"{Nodes}", "--rounds", $"{Rounds}", "--data", folder.FullName];

    private static int RoundOf(string checkpoint) => int.Parse(Path.GetFileNameWithoutExtension(checkpoint).Split('-')[^1], System.Globalization.CultureInfo.InvariantCulture);
}

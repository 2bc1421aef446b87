using System.Collections.Immutable;
using System.Text.Json;
using MantaLight.Checkpoints;
using MantaLight.Shared;
using MantaLight.Weights;

namespace MantaLight.Tests.Checkpoints;

public sealed class CheckpointTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("mantalight-checkpoint-");

    private string File => Path.Combine(folder.FullName, "s-round-7.safetensors");

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public async Task What_was_written_is_read()
    {
        using var weights = Vector.Of([1, 2, 3]);
        var info = Info(("model", weights)) with { FromAlias = "worker", FromNodes = ["node_0"], Values = Values(("best", "{\"a\":0.10,\"b\":[1,null]}")) };
        await Checkpoint.WriteAsync(File, info, Of(("model", weights)), Stop);
        var read = await Checkpoint.ReadAsync(File, Stop);
        Assert.Equal(
            (info.Swarm, info.Name, info.Module, info.Run, info.Definition, info.Seed, info.Round, info.FromAlias),
            (read.Info.Swarm, read.Info.Name, read.Info.Module, read.Info.Run, read.Info.Definition, read.Info.Seed, read.Info.Round, read.Info.FromAlias));
        Assert.Equal(["node_0"], read.Info.FromNodes!.Value.AsEnumerable());
        // Numbers stay as they were written.
        Assert.Equal("{\"a\":0.10,\"b\":[1,null]}", read.Info.Values["best"].GetRawText());
        Assert.Equal([1, 2, 3], read.Weights["model"][0].Span<float>().ToArray());
    }

    [Fact]
    public async Task Several_globals_of_weights_share_a_file_behind_their_tags()
    {
        using var one = Vector.Of([1]);
        using var other = Vector.Of([2, 3]);
        await Checkpoint.WriteAsync(File, Info(("one", one), ("other", other)), Of(("one", one), ("other", other)), Stop);
        using var plain = await Safetensors.ReadAsync(File, Stop);
        Assert.Equal([$"one/{one[0].Name}", $"other/{one[0].Name}"], plain.Arrays.Select(a => a.Name));
        var read = await Checkpoint.ReadAsync(File, Stop);
        Assert.Null(one.DifferenceFrom(read.Weights["one"]));
        Assert.Equal([2, 3], read.Weights["other"][0].Span<float>().ToArray());
    }

    [Fact]
    public async Task Changed_weights_are_refused_with_the_name_of_the_file()
    {
        using var weights = Vector.Of([1, 2, 3]);
        await Checkpoint.WriteAsync(File, Info(("model", weights)), Of(("model", weights)), Stop);
        var bytes = await System.IO.File.ReadAllBytesAsync(File, Stop);
        bytes[^1] ^= 1;
        await System.IO.File.WriteAllBytesAsync(File, bytes, Stop);
        await RefusedAsync("they were changed or damaged since it was written");
    }

    [Fact]
    public async Task A_file_that_is_cut_short_is_refused_with_its_name()
    {
        using var weights = Vector.Of([1, 2, 3]);
        await Checkpoint.WriteAsync(File, Info(("model", weights)), Of(("model", weights)), Stop);
        await System.IO.File.WriteAllBytesAsync(File, (await System.IO.File.ReadAllBytesAsync(File, Stop))[..^5], Stop);
        await RefusedAsync("it is cut short");
    }

    [Fact]
    public async Task Weights_that_no_swarm_has_written_are_refused()
    {
        using var weights = Vector.Of([1, 2, 3]);
        await Safetensors.WriteAsync(File, weights, ImmutableDictionary<string, string>.Empty, Stop);
        await RefusedAsync("nothing tells of which swarm and round");
    }

    [Theory]
    [InlineData("round", "0")]
    [InlineData("round", "x")]
    [InlineData("seed", "-1")]
    [InlineData("swarm", "a/b")]
    [InlineData("weights", "null")]
    [InlineData("weights", "{\"model\":1}")]
    [InlineData("values", "{\"a b\":1}")]
    [InlineData("values", "{")]
    [InlineData("from_nodes", "[null]")]
    [InlineData("mantalight.checkpoint", "2")]
    public async Task Metadata_that_are_not_a_checkpoints_are_refused(string key, string value)
    {
        using var weights = Vector.Of([1, 2, 3]);
        var metadata = CheckpointMetadata.Write(Info(("model", weights))).SetItem(key, value);
        await Safetensors.WriteAsync(File, weights, metadata, Stop);
        await RefusedAsync("");
    }

    [Fact]
    public async Task A_missing_file_is_told_as_such()
    {
        var error = await Assert.ThrowsAsync<CheckpointException>(() => Checkpoint.ReadAsync(File, Stop));
        Assert.Contains($"{File} is not there", error.Message, StringComparison.Ordinal);
    }

    private async Task RefusedAsync(string problem)
    {
        var error = await Assert.ThrowsAsync<CheckpointException>(() => Checkpoint.ReadAsync(File, Stop));
        Assert.Contains(File, error.Message, StringComparison.Ordinal);
        Assert.Contains(problem, error.Message, StringComparison.Ordinal);
        Assert.Contains("--checkpoints DIR", error.Message, StringComparison.Ordinal);
    }

    private static CheckpointInfo Info(params (string Tag, NamedArrays Weights)[] globals) => new()
    {
        Swarm = "s", Name = "n", Module = "M.N", Run = "0123456789abcdef-1", Definition = new string('a', 64), Seed = 1ul << 53, Round = 7,
        Weights = globals.ToImmutableSortedDictionary(g => g.Tag, g => WeightsHash.Of(g.Weights), StringComparer.Ordinal),
    };

    private static ImmutableSortedDictionary<string, NamedArrays> Of(params (string Tag, NamedArrays Weights)[] globals) =>
        globals.ToImmutableSortedDictionary(g => g.Tag, g => g.Weights, StringComparer.Ordinal);

    private static ImmutableSortedDictionary<string, JsonElement> Values(params (string Tag, string Json)[] values) =>
        values.ToImmutableSortedDictionary(v => v.Tag, v => JsonElement.Parse(System.Text.Encoding.UTF8.GetBytes(v.Json)), StringComparer.Ordinal);
}

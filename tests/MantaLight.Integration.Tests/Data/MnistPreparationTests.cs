using System.Text.Json;
using MantaLight.Cli.Data;
using MantaLight.Weights;

namespace MantaLight.Integration.Tests.Data;

public sealed class MnistPreparationTests : IDisposable
{
    private readonly SmallMnist small = new();

    public void Dispose() => small.Dispose();

    [Fact]
    public async Task Each_sample_keeps_its_label_and_goes_to_one_node()
    {
        var wanted = Wanted(nodes: 4, "non-iid-3");
        var (manifest, made) = await EnsureAsync(wanted);
        Assert.True(made);

        var train = new List<byte>();
        var test = new List<byte>();
        for (var n = 0; n < 4; n++)
        {
            using var arrays = await ArrayFile.ReadAsync(wanted.FileOf(n), CancellationToken.None);
            Assert.Equal(["x_train", "y_train", "x_test", "y_test"], arrays.Select(a => a.Name));
            train.AddRange(IndicesOf(arrays, "train"));
            test.AddRange(IndicesOf(arrays, "test"));
            Assert.Equal(manifest.Nodes[n].Train, arrays["y_train"].Count);
            Assert.Equal(
                manifest.Nodes[n].Classes,
                Enumerable.Range(0, 10).Select(c => arrays["y_train"].Span<long>().Count(c)));
        }
        Assert.Equal(Enumerable.Range(0, SmallMnist.TrainCount), train.Order().Select(i => (int)i));
        Assert.Equal(Enumerable.Range(0, SmallMnist.TestCount), test.Order().Select(i => (int)i));
    }

    [Fact]
    public async Task The_whole_test_set_goes_to_each_node_where_that_is_wanted()
    {
        var wanted = Wanted(nodes: 2, "iid") with { Test = TestShare.Full };
        await EnsureAsync(wanted);
        for (var n = 0; n < 2; n++)
        {
            using var arrays = await ArrayFile.ReadAsync(wanted.FileOf(n), CancellationToken.None);
            Assert.Equal(SmallMnist.TestCount, IndicesOf(arrays, "test").Distinct().Count());
        }
    }

    [Fact]
    public async Task What_is_there_as_wanted_is_left_alone()
    {
        var wanted = Wanted(nodes: 3, "dirichlet:0.5");
        await EnsureAsync(wanted);
        var before = File.GetLastWriteTimeUtc(wanted.FileOf(0));
        Assert.False((await EnsureAsync(wanted)).Made);
        Assert.Equal(before, File.GetLastWriteTimeUtc(wanted.FileOf(0)));
    }

    [Fact]
    public async Task The_same_wish_gives_the_same_bytes()
    {
        var first = Wanted(nodes: 3, "dirichlet:0.5");
        var second = first with { Output = small.Folder("again") };
        await EnsureAsync(first);
        await EnsureAsync(second);
        for (var n = 0; n < 3; n++)
            Assert.Equal(File.ReadAllBytes(first.FileOf(n)), File.ReadAllBytes(second.FileOf(n)));
    }

    [Fact]
    public async Task Any_other_wish_and_any_missing_or_damaged_file_lead_to_new_ones()
    {
        var wanted = Wanted(nodes: 3, "iid");
        await EnsureAsync(wanted);
        foreach (var other in new[]
        {
            wanted with { Seed = 1 },
            wanted with { Seed = 1, Partition = PartitionSpec.Parse("non-iid-2") },
            wanted with { Seed = 1, Test = TestShare.Full },
            wanted with { Nodes = 4 },
        })
            Assert.True((await EnsureAsync(other)).Made);

        File.Delete(wanted.FileOf(1));
        Assert.True((await EnsureAsync(wanted with { Nodes = 4 })).Made);
        File.WriteAllBytes(wanted.FileOf(2), [1, 2, 3]);
        Assert.True((await EnsureAsync(wanted with { Nodes = 4 })).Made);
        File.WriteAllText(Path.Combine(wanted.Folder, PartitionManifest.FileName), "{ \"nodes\": 4 }");
        Assert.True((await EnsureAsync(wanted with { Nodes = 4 })).Made);
    }

    [Fact]
    public async Task Files_of_nodes_that_are_wanted_no_more_go()
    {
        await EnsureAsync(Wanted(nodes: 5, "iid"));
        var wanted = Wanted(nodes: 2, "iid");
        await EnsureAsync(wanted);
        Assert.Equal(["node_0", "node_1"], Directory.GetDirectories(wanted.Folder).Select(Path.GetFileName).Order());
    }

    [Fact]
    public async Task A_wish_that_cannot_be_leaves_what_is_there()
    {
        var wanted = Wanted(nodes: 2, "iid");
        await EnsureAsync(wanted);
        await Assert.ThrowsAsync<InvalidSettingException>(() => EnsureAsync(wanted with { Nodes = 40 })); // 30 test samples
        await Assert.ThrowsAsync<InvalidSettingException>(() => EnsureAsync(wanted with { Nodes = 0 }));
        Assert.False((await EnsureAsync(wanted)).Made);
    }

    [Fact]
    public async Task The_manifest_says_what_the_files_are()
    {
        var wanted = Wanted(nodes: 2, "non-iid-7");
        await EnsureAsync(wanted);
        using var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(wanted.Folder, "partition.json")));
        Assert.Equal("mantalight.partition/1", json.RootElement.GetProperty("format").GetString());
        Assert.Equal("non-iid-7", json.RootElement.GetProperty("partition").GetString());
        Assert.Equal(42u, json.RootElement.GetProperty("seed").GetUInt64());
        Assert.Equal("split", json.RootElement.GetProperty("test").GetString());
        Assert.Equal(SmallMnist.TrainCount, json.RootElement.GetProperty("nodes").EnumerateArray().Sum(n => n.GetProperty("train").GetInt32()));
    }

    private MnistPartitions Wanted(int nodes, string partition) =>
        new() { Nodes = nodes, Partition = PartitionSpec.Parse(partition), Output = small.Folder("out") };

    private Task<(PartitionManifest Manifest, bool Made)> EnsureAsync(MnistPartitions wanted)
    {
        var sources = MnistSources.Create(small.Written(), small.Folder("cache"));
        return MnistPreparation.EnsureAsync(
            wanted,
            new MnistSources { Files = small.Files, Source = sources.Source, Cache = sources.Cache, Mirrors = sources.Mirrors, Package = sources.Package },
            new NotedProgress(),
            CancellationToken.None);
    }

    /// <summary>The samples' indices, which their first pixels tell; their labels are checked on the way.</summary>
    private static List<byte> IndicesOf(NamedArrays arrays, string set)
    {
        var (images, labels) = (arrays[$"x_{set}"], arrays[$"y_{set}"]);
        Assert.Equal([labels.Count, 3, 2], images.Shape.ToArray());
        var indices = new List<byte>();
        for (var i = 0; i < labels.Count; i++)
        {
            indices.Add(images.Data.Span[i * 6]);
            Assert.Equal(SmallMnist.LabelOf(indices[i]), labels.Span<long>()[i]);
            Assert.Equal(SmallMnist.LabelOf(indices[i]), images.Data.Span[(i * 6) + 5]);
        }
        return indices;
    }
}

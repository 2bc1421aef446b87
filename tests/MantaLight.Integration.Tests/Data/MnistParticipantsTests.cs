using System.Runtime.InteropServices;
using MantaLight.Cli.Data;
using MantaLight.Virtual;
using MantaLight.Weights;

namespace MantaLight.Integration.Tests.Data;

/// <summary>MNIST shared out in memory.</summary>
public sealed class MnistParticipantsTests : IDisposable
{
    private readonly SmallMnist mnist = new();

    public void Dispose() => mnist.Dispose();

    [Theory]
    [InlineData("iid", false)]
    [InlineData("non-iid-2", true)]
    [InlineData("dirichlet:1+rotate:90+noise:0.1", false)]
    [InlineData("iid+noise:0.1", true)]
    public async Task Each_has_the_samples_of_the_file_that_data_prepare_writes_for_its_name(string partition, bool full)
    {
        var wanted = new MnistPartitions { Nodes = 5, Partition = PartitionSpec.Parse(partition), Test = full ? TestShare.Full : TestShare.Split, Output = mnist.Folder("parts") };
        var sources = new MnistSources
        {
            Files = mnist.Files, Source = mnist.Written(), Cache = mnist.Folder("cache"),
            Mirrors = new MnistMirrors(new HttpClientHandler(), [], TimeProvider.System), Package = new MnistPackage(null, TimeProvider.System),
        };
        await MnistPreparation.EnsureAsync(wanted, sources, new NotedProgress(), TestContext.Current.CancellationToken);
        var nodes = await ShareAsync(wanted);
        Assert.Equal(5, nodes.Length);
        for (var n = 0; n < nodes.Length; n++)
        {
            using var file = await ArrayFile.ReadAsync(wanted.FileOf(n), null, TestContext.Current.CancellationToken);
            var memory = Arrays(nodes[n]);
            Assert.Equal(file.Select(a => a.ToString()), memory.Select(a => a.ToString()));
            Assert.All(file.Zip(memory), pair => Assert.True(pair.First.Data.Span.SequenceEqual(pair.Second.Data.Span)));
            Assert.Equal(file["y_train"].Shape[0], nodes[n].Sizes[0].Train);
        }
    }

    [Fact]
    public async Task All_are_views_of_one_array()
    {
        var nodes = await ShareAsync(new MnistPartitions { Nodes = 4 });
        Assert.True(MemoryMarshal.TryGetArray(Arrays(nodes[0])["x_train"].Data, out var first));
        Assert.True(MemoryMarshal.TryGetArray(Arrays(nodes[3])["x_train"].Data, out var last));
        Assert.Same(first.Array, last.Array);
        Assert.Equal(SmallMnist.TrainCount * 6, first.Array!.Length);
    }

    [Fact]
    public async Task With_so_many_samples_for_each_there_are_enough_for_any_number_and_all_are_used()
    {
        var nodes = await ShareAsync(new MnistPartitions { Nodes = 200 }, samples: 50);
        var indices = nodes.Select(n => Arrays(n)["x_train"]).Select(x => Enumerable.Range(0, 50).Select(i => x.Data.Span[i * 6]).ToArray()).ToArray();
        Assert.All(indices, own => Assert.Equal(50, own.Distinct().Count()));
        Assert.Equal(SmallMnist.TrainCount, indices.SelectMany(i => i).Distinct().Count());
        // The first ones overlap only where the order begins anew.
        Assert.Empty(indices[0].Intersect(indices[1]));
        Assert.Equal([50L, 1L], new[] { nodes[199].Sizes[0].Train!.Value, nodes[199].Sizes[0].Test!.Value });
    }

    [Theory]
    [InlineData(121, null, "iid", "120 training samples cannot be shared out over 121 participants")]
    [InlineData(31, null, "iid", "30 test samples cannot be shared out over 31 participants")]
    [InlineData(2, 121, "iid", "there are 120 training samples")]
    [InlineData(2, 10, "non-iid-2", "take one of the two")]
    [InlineData(2, null, "key:writer", "mnist has none")]
    public async Task What_cannot_be_is_refused_with_what_to_do(int participants, int? samples, string partition, string expected)
    {
        var refused = await Assert.ThrowsAsync<InvalidSettingException>(() => ShareAsync(new MnistPartitions { Nodes = participants, Partition = PartitionSpec.Parse(partition) }, samples));
        Assert.Contains(expected, refused.Message, StringComparison.Ordinal);
    }

    private async Task<VirtualNode[]> ShareAsync(MnistPartitions wanted, int? samples = null)
    {
        var (train, test) = await mnist.Files.ReadAsync(mnist.Written(), TestContext.Current.CancellationToken);
        return [.. MnistParticipants.Of(train, test, wanted, samples)];
    }

    private static NamedArrays Arrays(VirtualNode node) => node.Datasets.InMemory("mnist")!;
}

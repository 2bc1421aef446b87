using MantaLight.Cli.Data;
using MantaLight.Weights;

namespace MantaLight.Integration.Tests.Data;

public sealed class CifarFilesTests : IDisposable
{
    private readonly SmallCifar small = new();

    public void Dispose() => small.Dispose();

    [Theory]
    [InlineData("plain")]
    [InlineData("nested/cifar-10-batches-bin")]
    [InlineData(null)]
    public async Task A_record_is_a_label_and_the_planes_of_red_green_and_blue(string? folder)
    {
        var from = folder is null ? small.WrittenArchive() : small.Written(folder);
        var (train, test) = await small.Files.ReadAsync(from.Replace("/cifar-10-batches-bin", "", StringComparison.Ordinal), CancellationToken.None);

        Assert.Equal([100, 3, 32, 32], train.Images.Shape);
        Assert.Equal([20, 3, 32, 32], test.Images.Shape);
        for (var i = 0; i < 120; i++)
        {
            var (set, at) = i < 100 ? (train, i) : (test, i - 100);
            var label = SmallCifar.LabelOf(i % 20);
            Assert.Equal(label, set.Labels.Data.Span[at]);
            var image = set.Images.Data.Span.Slice(at * 3072, 3072);
            Assert.False(image[..1024].ContainsAnyExcept((byte)i));
            Assert.False(image[1024..2048].ContainsAnyExcept(label));
            Assert.False(image[2048..].ContainsAnyExcept((byte)(i / 20)));
        }
    }

    [Fact]
    public async Task Files_that_are_cut_are_refused_at_a_border_of_records_too()
    {
        foreach (var length in new[] { 0, 5_000, 19 * SmallCifar.RecordBytes, (20 * SmallCifar.RecordBytes) - 1 })
        {
            var folder = small.Written();
            File.WriteAllBytes(Path.Combine(folder, "data_batch_3.bin"), small.Bytes["data_batch_3.bin"][..length]);
            var refusal = await RefusalAsync(folder);
            Assert.Contains($"data_batch_3.bin has {length:N0} bytes where 61,460 are expected (20 records of 3,073 bytes)", refusal, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_label_that_cannot_be_is_named_with_its_record()
    {
        small.Bytes["data_batch_2.bin"][7 * SmallCifar.RecordBytes] = 10;
        Assert.Contains("data_batch_2.bin of", await RefusalAsync(small.Written()), StringComparison.Ordinal);
        Assert.Contains("record 7 has the label 10 where 0 to 9 are possible", await RefusalAsync(small.Written()), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_label_that_is_another_one_shows_in_the_number_of_each_class()
    {
        Assert.Equal(9, SmallCifar.LabelOf(3));
        small.Bytes["test_batch.bin"][3 * SmallCifar.RecordBytes] = 4;
        Assert.Contains("of class 4 it has 3 test images where 2 are expected", await RefusalAsync(small.Written()), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_is_not_there_is_named_and_so_is_the_archive()
    {
        var folder = small.Written();
        File.Delete(Path.Combine(folder, "data_batch_5.bin"));
        var refusal = await RefusalAsync(folder);
        Assert.Equal($"{Path.Combine(folder, "data_batch_5.bin")} is not there, nor is {Path.Combine(folder, "cifar-10-binary.tar.gz")}.", refusal);
    }

    [Fact]
    public async Task An_archive_with_a_changed_byte_or_cut_is_refused_by_its_hash_and_size()
    {
        var changed = small.Archive.ToArray();
        changed[changed.Length / 2] ^= 1;
        Assert.Contains("its SHA-256 is ", await RefusalAsync(small.WrittenArchive(changed)), StringComparison.Ordinal);
        var cut = small.Archive[..^1];
        Assert.Contains($"it has {cut.Length:N0} bytes where {small.Archive.Length:N0} are expected", await RefusalAsync(small.WrittenArchive(cut)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_archive_that_lacks_a_file_or_is_none_is_refused()
    {
        var partial = SmallCifar.Tar(small.Bytes.Where(b => b.Key != "data_batch_4.bin"));
        Assert.Contains("lacks cifar-10-batches-bin/data_batch_4.bin", await RefusalAsync(small.WrittenArchive(partial), SmallCifar.FilesFor(partial)), StringComparison.Ordinal);
        byte[] garbage = [.. Enumerable.Range(0, 999).Select(i => (byte)i)];
        Assert.Contains("cannot be read: ", await RefusalAsync(small.WrittenArchive(garbage), SmallCifar.FilesFor(garbage)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nodes_get_images_of_three_colours_with_their_labels_each_once()
    {
        var wanted = new MnistPartitions { Dataset = "cifar10", Nodes = 3, Partition = PartitionSpec.Parse("non-iid-4"), Output = small.Folder("out") };
        var (manifest, made) = await MnistPreparation.EnsureAsync(wanted, Sources(small.Written()), new NotedProgress(), CancellationToken.None);

        Assert.True(made);
        Assert.Equal("cifar10", manifest.Dataset);
        var seen = new List<int>();
        for (var n = 0; n < 3; n++)
        {
            using var arrays = await ArrayFile.ReadAsync(Path.Combine(small.Folder("out"), "cifar10", $"node_{n}", "cifar10.npz"), CancellationToken.None);
            var labels = arrays["y_train"].Span<long>();
            Assert.Equal([labels.Length, 3, 32, 32], arrays["x_train"].Shape.ToArray());
            Assert.Equal(ArrayType.UInt8, arrays["x_train"].Type);
            for (var i = 0; i < labels.Length; i++)
            {
                seen.Add(arrays["x_train"].Data.Span[i * 3072]);
                Assert.Equal(labels[i], arrays["x_train"].Data.Span[(i * 3072) + 1024]);
            }
        }
        Assert.Equal(Enumerable.Range(0, 100), seen.Order());
    }

    [Fact]
    public async Task Participants_in_memory_have_what_the_files_have()
    {
        var wanted = new MnistPartitions { Dataset = "cifar10", Nodes = 3, Partition = PartitionSpec.Parse("dirichlet:0.5"), Output = small.Folder("out") };
        var sources = Sources(small.Written());
        await MnistPreparation.EnsureAsync(wanted, sources, new NotedProgress(), CancellationToken.None);
        var (train, test) = await sources.GetAsync(new NotedProgress(), CancellationToken.None);

        foreach (var (node, number) in MnistParticipants.Of(train, test, wanted).Select((node, number) => (node, number)))
        {
            using var filed = await ArrayFile.ReadAsync(wanted.FileOf(number), CancellationToken.None);
            using var held = node.Datasets.InMemory("cifar10")!;
            Assert.Equal(filed.Select(a => a.ToString()), held.Select(a => a.ToString()));
            Assert.All(filed, a => Assert.True(a.Data.Span.SequenceEqual(held[a.Name].Data.Span)));
        }
    }

    private CifarSources Sources(string folder) => new()
    {
        Files = small.Files, Source = folder, Cache = small.Folder("cache"), Mirrors = CifarSources.Create(null, small.Folder("cache")).Mirrors,
    };

    private async Task<string> RefusalAsync(string folder, CifarFiles? files = null) =>
        (await Assert.ThrowsAsync<DatasetException>(() => (files ?? small.Files).ReadAsync(folder, CancellationToken.None))).Message;
}

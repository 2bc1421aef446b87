using MantaLight.Tasks;
using MantaLight.Torch.Tests.Support;
using MantaLight.Weights;

namespace MantaLight.Torch.Tests;

/// <summary>A task reads the part of the node's data that it needs.</summary>
public sealed class LocalDataTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("mantalight-torch-");

    private string Path => System.IO.Path.Combine(folder.FullName, "tiny.npz");

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public async Task A_test_does_not_read_the_training_images()
    {
        using var arrays = TinyData.Arrays();
        await ArrayFile.WriteNpzAsync(Path, [.. arrays], compress: false, CancellationToken.None);
        var bytes = await File.ReadAllBytesAsync(Path);
        bytes[bytes.AsSpan().IndexOf(arrays["x_train"].Data.Span) + 100] ^= 1;
        await File.WriteAllBytesAsync(Path, bytes);
        var local = new Local(new One(Path));

        using var test = await local.GetTrainingDataAsync("tiny", train: false, CancellationToken.None);

        Assert.Equal(TinyData.TestCount, test.Count);
        await Assert.ThrowsAsync<DatasetException>(() => local.GetTrainingDataAsync("tiny", train: true, CancellationToken.None));
    }

    [Fact]
    public async Task A_part_that_is_missing_is_named_with_what_there_is()
    {
        using var arrays = TinyData.Arrays();
        await ArrayFile.WriteNpzAsync(Path, [.. arrays.Where(a => a.Name != "y_test")], compress: false, CancellationToken.None);

        var error = await Assert.ThrowsAsync<DatasetException>(() => new Local(new One(Path)).GetTrainingDataAsync("tiny", train: false, CancellationToken.None));

        Assert.Contains("has no array 'y_test'", error.Message, StringComparison.Ordinal);
        Assert.Contains("x_train", error.Message, StringComparison.Ordinal);
    }

    private sealed class One(string path) : IDatasetProvider
    {
        public IReadOnlyCollection<string> Names => ["tiny"];

        public string? Find(string dataset) => dataset == "tiny" ? path : null;
    }
}

using MantaLight.Tasks;
using MantaLight.Weights;

namespace MantaLight.Tests.Tasks;

/// <summary>Only mapped data can be reached, and only by name.</summary>
public sealed class LocalTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("mantalight-local-");
    private readonly Local local;

    public LocalTests()
    {
        Directory.CreateDirectory(Path.Combine(folder.FullName, "data", "inner"));
        File.WriteAllText(Path.Combine(folder.FullName, "data", "inner", "a.txt"), "inside");
        File.WriteAllText(Path.Combine(folder.FullName, "secret.txt"), "outside");
        File.WriteAllText(Path.Combine(folder.FullName, "data-secret.txt"), "outside too");
        local = new Local(new One(Path.Combine(folder.FullName, "data")));
    }

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public async Task A_file_inside_a_mapped_folder_is_opened()
    {
        await using var stream = await local.OpenAsync("d", "inner/a.txt", CancellationToken.None);
        using var reader = new StreamReader(stream);
        Assert.Equal("inside", await reader.ReadToEndAsync());
    }

    [Theory]
    [InlineData("../secret.txt")]
    [InlineData("inner/../../secret.txt")]
    [InlineData("/etc/passwd")]
    [InlineData("../data-secret.txt")]
    public async Task A_path_that_leaves_the_folder_is_refused(string path)
    {
        var error = await Assert.ThrowsAsync<DatasetException>(() => local.OpenAsync("d", path, CancellationToken.None));
        Assert.Contains("leaves the folder", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_name_that_is_not_mapped_lists_those_that_are()
    {
        var error = await Assert.ThrowsAsync<DatasetException>(() => local.GetDataAsync("mnits", CancellationToken.None));
        Assert.Contains("mapped are: d", error.Message, StringComparison.Ordinal);
        Assert.False(await local.ExistsAsync("mnits", CancellationToken.None));
        Assert.True(await local.ExistsAsync("d", CancellationToken.None));
    }

    [Fact]
    public async Task A_folder_without_one_array_file_says_which_to_map()
    {
        var error = await Assert.ThrowsAsync<DatasetException>(() => local.GetDataAsync("d", CancellationToken.None));
        Assert.Contains("0 .npz/.npy files", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Arrays_that_are_not_wanted_are_not_read_whatever_they_hold()
    {
        var file = Path.Combine(folder.FullName, "data", "d.npz");
        NamedArray[] arrays = [new NamedArray("x", ArrayType.UInt8, [3], new byte[] { 1, 2, 3 }), new NamedArray("y", ArrayType.UInt8, [3], new byte[] { 77, 78, 79 })];
        await ArrayFile.WriteNpzAsync(file, arrays, compress: false, CancellationToken.None);
        var bytes = await File.ReadAllBytesAsync(file);
        bytes[bytes.AsSpan().IndexOf<byte>([77, 78, 79])] ^= 1;
        await File.WriteAllBytesAsync(file, bytes);

        using var wanted = await local.GetDataAsync("d", name => name == "x", CancellationToken.None);

        Assert.Equal([1, 2, 3], Assert.Single(wanted).Data.ToArray());
        await Assert.ThrowsAsync<DatasetException>(() => local.GetDataAsync("d", CancellationToken.None));
    }

    private sealed class One(string path) : IDatasetProvider
    {
        public IReadOnlyCollection<string> Names => ["d"];

        public string? Find(string dataset) => dataset == "d" ? path : null;
    }
}

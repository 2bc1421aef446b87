using MantaLight.Cli.Data;

namespace MantaLight.Integration.Tests.Data;

public sealed class MnistFilesTests : IDisposable
{
    private readonly SmallMnist small = new();

    public void Dispose() => small.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Files_are_read_plain_or_zipped(bool zipped)
    {
        var (train, test) = await small.Files.ReadAsync(small.Written(zipped), CancellationToken.None);
        Assert.Equal([SmallMnist.TrainCount, 3, 2], train.Images.Shape);
        Assert.Equal([SmallMnist.TestCount], test.Labels.Shape);
        Assert.Equal(SmallMnist.LabelOf(5), train.Labels.Data.Span[5]);
        Assert.Equal([5, SmallMnist.LabelOf(5), SmallMnist.LabelOf(5)], train.Images.Data.Slice(5 * 6, 3).ToArray());
    }

    [Fact]
    public async Task A_changed_file_is_refused_by_its_hash()
    {
        var folder = small.Written();
        var path = Path.Combine(folder, "t10k-labels-idx1-ubyte");
        var bytes = File.ReadAllBytes(path);
        bytes[^1] ^= 1;
        File.WriteAllBytes(path, bytes);
        var refusal = await Assert.ThrowsAsync<DatasetException>(() => small.Files.ReadAsync(folder, CancellationToken.None));
        Assert.Contains(path, refusal.Message, StringComparison.Ordinal);
        Assert.Contains("SHA-256", refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "two zero bytes")]
    [InlineData("0000", "two zero bytes")]
    [InlineData("01000801000000010A", "two zero bytes")]
    [InlineData("00000D01000000010A", "0x0D")]
    [InlineData("0000080300000001", "3 dimensions")]
    [InlineData("00000800", "0 dimensions")]
    [InlineData("0000080100000002AA", "1 bytes of data instead of 2")]
    [InlineData("0000080100000001AABB", "2 bytes of data instead of 1")]
    [InlineData("00000801FFFFFFFF", "impossible")]
    [InlineData("000008027FFFFFFF7FFFFFFF", "impossible")]
    public void An_idx_file_that_is_none_says_why(string hex, string message) => Assert.Contains(
        message, Assert.Throws<DatasetException>(() => IdxFile.Parse(Convert.FromHexString(hex), "file")).Message, StringComparison.Ordinal);

    [Fact]
    public void The_cache_is_where_the_user_wants_it()
    {
        var home = Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache", "mantalight");
        Assert.Equal(Path.GetFullPath("here"), CacheFolder.Default(name => name == "MANTALIGHT_CACHE" ? "here" : "/xdg"));
        Assert.Equal(Path.Combine(Path.GetFullPath("/xdg"), "mantalight"), CacheFolder.Default(name => name == "XDG_CACHE_HOME" ? Path.GetFullPath("/xdg") : null));
        if (OperatingSystem.IsLinux())
            Assert.Equal(home, CacheFolder.Default(name => name == "XDG_CACHE_HOME" ? "relative" : null));
    }
}

using System.Runtime.InteropServices;
using MantaLight.Cli;
using MantaLight.Integration.Tests.Cli;
using MantaLight.Weights;

namespace MantaLight.Integration.Tests.Data;

/// <summary><c>data partition</c> on files of one's own.</summary>
public sealed class DataPartitionCommandTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("mantalight-partition-");

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public async Task A_key_gives_each_value_a_node_of_its_own_with_all_arrays_in_step()
    {
        await WriteNpzAsync();
        var run = await RunAsync("patients.npz", "--partition", "key:hospital");
        Assert.Contains("patients (key:hospital, seed 42, test split)", run.Output, StringComparison.Ordinal);
        var (parts, tests) = (new List<long>(), 0L);
        for (var n = 0; n < 3; n++)
        {
            using var own = await ReadAsync("patients", n);
            Assert.All(own["hospital"].Span<int>().ToArray(), h => Assert.Equal(10 * (n + 1), h));
            // A sample's pixels, label and hospital tell its number alike.
            var labels = own["y_train"].Span<long>().ToArray();
            Assert.Equal(labels, own["x_train"].Data.ToArray().Chunk(4).Select(image => image[0] % 5L));
            parts.AddRange(own["x_train"].Data.ToArray().Chunk(4).Select(image => (long)image[0]));
            tests += own["y_test"].Count;
        }
        Assert.Equal(Enumerable.Range(0, 60).Select(i => (long)i), parts.Order());
        Assert.Equal(12, tests);
    }

    [Fact]
    public async Task The_table_says_what_each_node_got()
    {
        await WriteNpzAsync();
        var run = await RunAsync("patients.npz", "--partition", "key:hospital", "--nodes", "2");
        // 30 of hospital 10, 20 of 20 and 10 of 30: the largest alone, the others together.
        Assert.Contains("node    train  test   0   1   2   3   4", run.Output, StringComparison.Ordinal);
        Assert.Contains("node_0     30     6   6   6   6   6   6", run.Output, StringComparison.Ordinal);
        Assert.Contains("all        60    12  12  12  12  12  12", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_very_many_classes_the_table_says_how_many_a_node_has()
    {
        File.WriteAllText(PathOf("words.csv"), "word\n" + string.Concat(Enumerable.Range(0, 60).Select(i => $"w{i % 30}\n")));
        var run = await RunAsync("words.csv", "--label", "word", "--partition", "classes:15");
        Assert.Contains("node    train  test  classes", run.Output, StringComparison.Ordinal);
        Assert.Contains("node_1     30     0       15", run.Output, StringComparison.Ordinal);
        Assert.Contains("all        60     0       30", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Skews_change_how_samples_look_and_nothing_else()
    {
        await WriteNpzAsync();
        await RunAsync("patients.npz", "--partition", "iid+rotate:360", "--nodes", "2", "--name", "turned");
        await RunAsync("patients.npz", "--partition", "iid+noise:0.1", "--nodes", "2", "--name", "noisy", "--test", "full");
        using var turned = await ReadAsync("turned", 1);
        // Half a turn: what was first is last.
        Assert.Equal(turned["y_train"].Span<long>().ToArray(), turned["x_train"].Data.ToArray().Chunk(4).Select(image => image[3] % 5L));
        using var noisy = await ReadAsync("noisy", 1);
        Assert.Equal(ArrayType.Float32, noisy["x_train"].Type);
        // A test set that all have is common to all.
        Assert.Equal(ArrayType.UInt8, noisy["x_test"].Type);
        Assert.Equal(12, noisy["y_test"].Count);
    }

    [Fact]
    public async Task Rows_of_a_csv_file_are_shared_out_as_they_are()
    {
        File.WriteAllText(PathOf("stays.csv"), "hospital,age,readmitted\nnorth,61,no\n\"south, old\",47,yes\nnorth,80,yes\n\"south, old\",12,no\nnorth,33,no\n");
        var run = await RunAsync("stays.csv", "--partition", "key:hospital", "--label", "readmitted");
        string[] north = File.ReadAllLines(PathOf("out/stays/node_0/stays.csv")), south = File.ReadAllLines(PathOf("out/stays/node_1/stays.csv"));
        Assert.Equal("hospital,age,readmitted", north[0]);
        Assert.Equal(["north,33,no", "north,61,no", "north,80,yes"], north[1..].Order(StringComparer.Ordinal));
        Assert.Equal(["\"south, old\",12,no", "\"south, old\",47,yes"], south[1..].Order(StringComparer.Ordinal));
        Assert.Contains("node_0      3     0   2    1", run.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--partition key:clinic", "nothing named 'clinic'", ExitCodes.Environment)]
    [InlineData("--partition key:hospital --nodes 4", "3 different values", ExitCodes.Usage)]
    [InlineData("--partition dirichlet:1 --label clinic", "nothing named 'clinic'", ExitCodes.Environment)]
    [InlineData("--partition iid+min:31 --nodes 2", "too few for 31", ExitCodes.Usage)]
    [InlineData("--plot parts.pdf", ".png or .svg", ExitCodes.Usage)]
    [InlineData("--name a/b", "cannot be a data set's name", ExitCodes.Usage)]
    public async Task What_cannot_be_is_refused(string flags, string message, int code)
    {
        await WriteNpzAsync();
        var run = await CliRun.OfAsync(["data", "partition", PathOf("patients.npz"), "--out", PathOf("out"), .. flags.Split(' ')]);
        Assert.Equal(code, run.Code);
        Assert.Contains(message, run.Error, StringComparison.Ordinal);
    }

    /// <summary>60 images of 2 x 2 whose first pixels tell their number, from three hospitals with 30, 20 and 10 of them.</summary>
    private async Task WriteNpzAsync()
    {
        int[] hospitals = [.. Enumerable.Range(0, 60).Select(i => i < 30 ? 10 : i < 50 ? 20 : 30)];
        await ArrayFile.WriteNpzAsync(PathOf("patients.npz"), [Images("x_train", 60), Labels("y_train", 60), new NamedArray("hospital", ArrayType.Int32, [60], MemoryMarshal.AsBytes(hospitals.AsSpan()).ToArray()), Images("x_test", 12), Labels("y_test", 12)], compress: false, TestContext.Current.CancellationToken);
    }

    private static NamedArray Images(string name, int count) => new(name, ArrayType.UInt8, [count, 2, 2], Enumerable.Range(0, count).SelectMany(i => new byte[] { (byte)i, 200, 201, 202 }).ToArray());

    private static NamedArray Labels(string name, int count) =>
        new(name, ArrayType.Int64, [count], MemoryMarshal.AsBytes(Enumerable.Range(0, count).Select(i => i % 5L).ToArray().AsSpan()).ToArray());

    private async Task<CliRun> RunAsync(string file, params string[] flags)
    {
        var run = await CliRun.OfAsync(["data", "partition", PathOf(file), "--out", PathOf("out"), .. flags]);
        Assert.True(run.Code == ExitCodes.Success, run.Error);
        return run;
    }

    private Task<NamedArrays> ReadAsync(string name, int node) => ArrayFile.ReadAsync(PathOf($"out/{name}/node_{node}/{name}.npz"), TestContext.Current.CancellationToken);

    private string PathOf(string name) => Path.Combine(folder.FullName, name);
}

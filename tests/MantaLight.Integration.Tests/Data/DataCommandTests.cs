using MantaLight.Cli;
using MantaLight.Weights;

namespace MantaLight.Integration.Tests.Data;

public sealed class DataCommandTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("mantalight-command-");

    public void Dispose() => folder.Delete(recursive: true);

    [Theory]
    [InlineData("data prepare mnist --partition foo", "non-iid-K (K classes per node, 1 to 10)")]
    [InlineData("data prepare mnist --partition non-iid-0", "non-iid-K (K classes per node, 1 to 10)")]
    [InlineData("data prepare mnist --partition dirichlet:-1", "dirichlet:ALPHA (above 0")]
    [InlineData("data prepare mnist --nodes 0", "1 to 2000")]
    [InlineData("data prepare mnist --nodes many", "many")]
    [InlineData("data prepare mnist --test half", "split")]
    [InlineData("data prepare mnist --seed -1", "-1")]
    [InlineData("data prepare cifar", "cifar10")]
    [InlineData("data prepare", "dataset")]
    [InlineData("data", "command")]
    [InlineData("frobnicate", "frobnicate")]
    public async Task A_command_line_that_cannot_be_says_what_can(string line, string message)
    {
        var (code, _, error) = await InvokeAsync(line.Split(' '));
        Assert.Equal(ExitCodes.Usage, code);
        Assert.Contains(message, error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Data_that_are_not_there_are_an_environment_error_without_a_stack_trace()
    {
        var (code, _, error) = await InvokeAsync("data", "prepare", "mnist", "--source", folder.FullName, "--out", PathOf("out"));
        Assert.Equal(ExitCodes.Environment, code);
        Assert.Equal($"error: {PathOf("train-images-idx3-ubyte")}[.gz] is not there.", error.Trim());
    }

    [Fact]
    public async Task Cifar10_from_a_folder_without_it_says_what_was_looked_for()
    {
        var (code, _, error) = await InvokeAsync("data", "prepare", "cifar10", "--source", folder.FullName, "--out", PathOf("out"));
        Assert.Equal(ExitCodes.Environment, code);
        Assert.Equal($"error: {PathOf("data_batch_1.bin")} is not there, nor is {PathOf("cifar-10-binary.tar.gz")}.", error.Trim());
    }

    [Fact]
    public async Task A_cancelled_command_says_so()
    {
        var (code, _, error) = await InvokeAsync(new CancellationToken(true), "data", "prepare", "mnist", "--cache", PathOf("cache"), "--out", PathOf("out"));
        Assert.Equal(ExitCodes.Cancelled, code);
        Assert.Equal("error: cancelled", error.Trim());
    }

    [Theory]
    [InlineData("--help")]
    [InlineData("data prepare --help")]
    public async Task Help_has_examples(string line)
    {
        var (code, output, _) = await InvokeAsync(line.Split(' '));
        Assert.Equal(ExitCodes.Success, code);
        Assert.Contains("mantalight data prepare mnist --nodes 5 --partition non-iid-2 --seed 42", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_real_MNIST_is_prepared_from_the_cache_or_a_registry()
    {
        var (code, output, error) = await InvokeAsync("data", "prepare", "mnist", "--nodes", "5", "--partition", "non-iid-2", "--out", PathOf("out"));
        Needs.That(code != ExitCodes.Environment, error);
        Assert.True(code == ExitCodes.Success, error);
        Assert.Contains("non-iid-2, seed 42, test split", output, StringComparison.Ordinal);
        long train = 0, test = 0;
        for (var n = 0; n < 5; n++)
        {
            using var arrays = await ArrayFile.ReadAsync(PathOf($"out/mnist/node_{n}/mnist.npz"), CancellationToken.None);
            Assert.Equal([arrays["y_train"].Count, 28, 28], arrays["x_train"].Shape.ToArray());
            Assert.Equal(2, arrays["y_train"].Span<long>().ToArray().Distinct().Count());
            train += arrays["y_train"].Count;
            test += arrays["y_test"].Count;
        }
        Assert.Equal((60_000, 10_000), (train, test));
        Assert.Contains("all     60000  10000  5923  6742  5958  6131  5842  5421  5918  6265  5851  5949", output, StringComparison.Ordinal);
    }

    private string PathOf(string name) => Path.Combine(folder.FullName, name);

    private static Task<(int Code, string Output, string Error)> InvokeAsync(params string[] arguments) =>
        InvokeAsync(CancellationToken.None, arguments);

    private static async Task<(int Code, string Output, string Error)> InvokeAsync(CancellationToken cancellationToken, params string[] arguments)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var code = await CommandLine.InvokeAsync(arguments, new CliConsole(output, error), cancellationToken);
        return (code, output.ToString(), error.ToString());
    }
}

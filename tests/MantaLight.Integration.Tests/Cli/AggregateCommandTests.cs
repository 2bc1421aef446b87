using System.Runtime.InteropServices;
using MantaLight.Cli;
using MantaLight.Cli.Models;
using MantaLight.Weights;

namespace MantaLight.Integration.Tests.Cli;

/// <summary>The rules over files, through the program's entry.</summary>
public sealed class AggregateCommandTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("mantalight-aggregate-").FullName;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory]
    [InlineData(".npz")]
    [InlineData(".safetensors")]
    [InlineData(".msgpack")]
    public async Task A_rule_combines_files_of_each_format(string extension)
    {
        var files = await WriteAsync(extension, 0, 1, 2, 3, 100);
        var run = await CliRun.OfAsync(["aggregate", "--rule", "krum f=1", .. files, "-o", Path.Combine(folder, $"out{extension}")]);
        Assert.True(run.Code == ExitCodes.Success, run.Error);
        Assert.Equal(new[] { 1f, -1f }, await ReadAsync($"out{extension}"));
        Assert.Contains($"Left out: {files[4]}: its Krum score", run.Output, StringComparison.Ordinal);
        Assert.Contains("krum f=1 of 1 of 5 models", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Weights_weigh_and_formats_mix()
    {
        string[] files = [.. await WriteAsync(".npz", 1), .. await WriteAsync(".safetensors", 4)];
        var run = await CliRun.OfAsync(["aggregate", .. files, "--weights", "2,1", "--out", Path.Combine(folder, "out.npz")]);
        Assert.True(run.Code == ExitCodes.Success, run.Error);
        Assert.Equal(new[] { 2f, -2f }, await ReadAsync("out.npz"));
    }

    [Fact]
    public async Task Clipping_starts_from_the_reference()
    {
        var files = await WriteAsync(".npz", 0, 3, 6);
        var run = await CliRun.OfAsync(["aggregate", "--rule", "clip 1.41421356", "--rule", "mean", "--reference", files[0], files[1], files[2], "-o", Path.Combine(folder, "out.npz")]);
        Assert.True(run.Code == ExitCodes.Success, run.Error);
        Assert.Equal(1, (await ReadAsync("out.npz"))[0], 1e-6f);
    }

    [Theory]
    [InlineData("--rule krumm", "did you mean 'krum'?", ExitCodes.Usage)]
    [InlineData("--rule bulyan f=1", "does not know", ExitCodes.Usage)]
    [InlineData("--weights 1", "--weights has 1 numbers for 2 files", ExitCodes.Usage)]
    [InlineData("--weights 1,0", "--weights '0' is not possible", ExitCodes.Usage)]
    [InlineData("--reference nowhere.npz", "nowhere.npz is not there", ExitCodes.Environment)]
    [InlineData("--rule adam", "files are combined by a rule alone", ExitCodes.Usage)]
    public async Task What_cannot_be_is_refused_and_nothing_is_written(string flags, string expected, int code)
    {
        var files = await WriteAsync(".npz", 1, 2);
        var run = await CliRun.OfAsync(["aggregate", .. files, .. Flags(flags), "-o", Path.Combine(folder, "out.npz")]);
        Assert.Contains(expected, run.Error, StringComparison.Ordinal);
        Assert.Equal(code, run.Code);
        Assert.False(File.Exists(Path.Combine(folder, "out.npz")));

        static string[] Flags(string text) => text.Split(' ', 2) is [var flag, var value] ? [flag, value == "bulyan f=1" ? "bulyan 1 2" : value] : [];
    }

    [Theory]
    [InlineData("weights.txt")]
    [InlineData("weights")]
    public async Task A_name_that_tells_no_format_is_refused(string output)
    {
        var files = await WriteAsync(".npz", 1, 2);
        var run = await CliRun.OfAsync(["aggregate", .. files, "-o", Path.Combine(folder, output)]);
        Assert.Equal(ExitCodes.Usage, run.Code);
        Assert.Contains(".npz, .safetensors or .msgpack", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("privacy epsilon --sampling 1 --noise 0.7 --steps 2 --delta 1e-5", "ε = 10.860204 at δ = 1E-05 (rdp, improved, order 3")]
    [InlineData("privacy epsilon --sampling 1 --noise 0.7 --steps 2 --delta 1e-5 --accountant pld", "ε = 10.1224")]
    [InlineData("privacy epsilon --sampling 0.0025 --noise 1.3 --steps 6000 --delta 1e-5 --json", "\"conversion\":\"improved\",\"epsilon\":0.72422")]
    [InlineData("privacy calibrate --sampling 1 --epsilon 10.8602037 --steps 2 --delta 1e-5", "noise multiplier 0.7000")]
    public async Task Privacy_is_accounted_for(string arguments, string expected)
    {
        var run = await CliRun.OfAsync(arguments.Split(' '));
        Assert.True(run.Code == ExitCodes.Success, run.Error);
        Assert.Contains(expected, run.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("privacy epsilon --sampling 2 --noise 1 --steps 2 --delta 1e-5", "A sampling probability of 2 is not possible")]
    [InlineData("privacy epsilon --sampling 1 --noise 1 --steps 2 --delta 1e-5 --accountant zcdp", "zcdp")]
    [InlineData("privacy epsilon --sampling 1 --noise 1 --steps 2", "--delta")]
    public async Task What_cannot_be_accounted_for_is_refused(string arguments, string expected)
    {
        var run = await CliRun.OfAsync(arguments.Split(' '));
        Assert.Equal(ExitCodes.Usage, run.Code);
        Assert.Contains(expected, run.Error, StringComparison.Ordinal);
    }

    private async Task<string[]> WriteAsync(string extension, params float[] values)
    {
        var files = values.Select(v => Path.Combine(folder, FormattableString.Invariant($"m{v}{extension}"))).ToArray();
        for (var i = 0; i < values.Length; i++)
        {
            float[] model = [values[i], -values[i]];
            using var weights = new NamedArrays([new NamedArray("w", ArrayType.Float32, [2], MemoryMarshal.AsBytes(model.AsSpan()).ToArray())]);
            await ModelFiles.WriteAsync(files[i], weights, Stop);
        }
        return files;
    }

    private async Task<float[]> ReadAsync(string name)
    {
        using var weights = await ModelFiles.ReadAsync(Path.Combine(folder, name), Stop);
        return weights["w"].Span<float>().ToArray();
    }
}

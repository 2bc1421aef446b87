using MantaLight.Benchmarks.Report;

namespace MantaLight.Benchmarks.Topics;

/// <summary>The codecs that are measured.</summary>
internal static class Codecs
{
    // What changes values, or nothing; each is measured by itself and compressed.
    private static readonly string[] Uncompressed =
        ["", "delta", "fp16", "bf16", "int8", "delta,fp16", "delta,int8", "delta,top_k 0.1", "delta,top_k 0.01", "delta,top_k 0.01,int8"];

    /// <summary>Their steps, with commas between.</summary>
    public static IReadOnlyList<string> All { get; } = [.. Uncompressed.SelectMany(c => new[] { c, c.Length == 0 ? "zstd" : $"{c},zstd" }).Where(c => c.Length > 0)];

    /// <summary>What it costs, three models one after the other; and what is learnt by each codec.</summary>
    public static IReadOnlyList<Measurement> Measurements =>
    [
        new([.. All.SelectMany(CodecCosts.Rows)], CodecCosts.Measure, IsRepeated: true),
        .. All.Prepend(CodecAccuracy.Lossless).Select(steps => new Measurement([$"{NameOf(steps)}.accuracy"], run => CodecAccuracy.Measure(steps, run), IsRepeated: true)),
    ];

    /// <summary>In a row's name.</summary>
    public static string NameOf(string steps) => steps.Length == 0 ? "lossless" : steps.Replace(',', '_').Replace(' ', '_');
}

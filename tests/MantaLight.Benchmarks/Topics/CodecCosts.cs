using System.Buffers;
using System.Globalization;
using MantaLight.Benchmarks.Report;
using MantaLight.Weights;
using MantaLight.Weights.Packing;

namespace MantaLight.Benchmarks.Topics;

/// <summary>The bytes of a trained model in each codec, and the time to pack and to unpack it beside a copy; where it is compressed, beside Python's zstandard on the bytes that are, and else beside the same steps in PyTorch.</summary>
internal static class CodecCosts
{
    /// <summary>A codec's rows, without the topic's name.</summary>
    public static IEnumerable<string> Rows(string steps) => new[] { "bytes", "pack", "unpack" }.Select(what => $"{Codecs.NameOf(steps)}.{what}");

    /// <summary>All codecs, on the models of a seed.</summary>
    public static IEnumerable<Row> Measure(int seed)
    {
        var (before, after) = TrainedModels.Create(seed);
        return Codecs.All.SelectMany(c => Costs(c, before, after));
    }

    private static IEnumerable<Row> Costs(string steps, NamedArrays before, NamedArrays after)
    {
        var plan = PackingPlan.Parse(steps.Split(','), out _)!;
        var from = plan.IsDelta ? new DeltaBase(before, new string('a', 64)) : null;
        using var lost = plan.HasErrorFeedback ? Packer.Pack(plan, before, from, null).Residual : null;
        using var packed = Packer.Pack(plan, after, from, lost).Weights;
        var target = new byte[after.TotalBytes];
        void Copy()
        {
            var at = 0;
            foreach (var array in after)
            {
                array.Data.Span.CopyTo(target.AsSpan(at));
                at += array.Data.Length;
            }
        }
        void Pack()
        {
            var (weights, residual) = Packer.Pack(plan, after, from, lost);
            weights.Dispose();
            residual?.Dispose();
        }
        var blob = WeightsCodec.Encode(packed).ToArray();
        using var peer = plan.Level is { } level
            ? StartPeer("zstd", [], [blob], [level.ToString(CultureInfo.InvariantCulture)])
            : StartPeer("codecs", [steps], [WeightsCodec.Encode(before).ToArray(), WeightsCodec.Encode(after).ToArray()], []);
        var (copies, packs, unpacks, peers) = (new List<double>(), new List<double>(), new List<double>(), new List<Dictionary<string, double>>());
        for (var i = 0; i < 7; i++)
        {
            copies.Add(Sample.Seconds(Copy, runs: 1, atLeast: 0.02).Median * 1000);
            packs.Add(Sample.Seconds(Pack, runs: 1, atLeast: 0.02).Median * 1000);
            unpacks.Add(Sample.Seconds(() => Unpacker.Unpack(packed, from).Dispose(), runs: 1, atLeast: 0.02).Median * 1000);
            if (peer?.Run() is { } figures)
                peers.Add(figures);
        }
        var (name, plain) = (Codecs.NameOf(steps), (double)WeightsCodec.Encode(after).Length);
        yield return new Row { Name = $"codecs.{name}.bytes", Value = blob.Length, Unit = "bytes a model", Peer = "lossless float32", PeerValue = plain, Ratio = blob.Length / plain };
        yield return RowOf($"codecs.{name}.pack", packs, copies, Figures("pack"), plan.Level is not null);
        yield return RowOf($"codecs.{name}.unpack", unpacks, copies, Figures("unpack"), plan.Level is not null);

        Sample? Figures(string what) => peers.Count == 0 ? null : Sample.Of(peers.Select(p => p[what]));
    }

    /// <summary>A script that reads files of these contents, between other arguments, before it says what it is.</summary>
    private static PeerInTurn? StartPeer(string script, string[] first, byte[][] contents, string[] last)
    {
        var files = Array.ConvertAll(contents, _ => Path.GetTempFileName());
        try
        {
            for (var i = 0; i < files.Length; i++)
                File.WriteAllBytes(files[i], contents[i]);
            return PeerInTurn.Start(script, [.. first, .. files, .. last]);
        }
        finally
        {
            foreach (var file in files)
                File.Delete(file);
        }
    }

    private static Row RowOf(string name, List<double> times, List<double> copies, Sample? peer, bool isCompressed)
    {
        var (time, copy) = (Sample.Of(times), Sample.Of(copies));
        return (Row.Of(name, time, "ms") with { Ratio = time.Median / copy.Median }).Above(copy).Beside(isCompressed ? "Python's zstandard, its step alone" : "PyTorch, without error feedback", peer);
    }
}

using System.Text.Json;
using System.Text.Json.Nodes;
using MantaLight.Benchmarks.Report;
using MantaLight.Weights;
using MantaLight.Weights.Packing;

namespace MantaLight.Benchmarks.Topics;

/// <summary>Each codec: the bytes of a trained model, the time to pack and to unpack it beside a copy, and what a swarm learns by it in ten rounds of MNIST.</summary>
internal static class CodecsTopic
{
    private const int Rounds = 10;

    /// <summary>What changes values, or nothing; each is measured by itself and compressed.</summary>
    private static readonly string[] Codecs =
        ["", "delta", "fp16", "bf16", "int8", "delta,fp16", "delta,int8", "delta,top_k 0.1", "delta,top_k 0.01", "delta,top_k 0.01,int8"];

    private static IEnumerable<string> WithAndWithoutZstd => Codecs.SelectMany(c => new[] { c, c.Length == 0 ? "zstd" : $"{c},zstd" }).Where(c => c.Length > 0);

    // Lossless ones come to the same bits: one of them shows it.
    private static IEnumerable<string> Learning => Codecs.Where(c => c != "delta").Append("delta,zstd");

    /// <summary>The rows of costs, without the topic's name.</summary>
    public static IReadOnlyList<string> CostRows { get; } = [.. WithAndWithoutZstd.SelectMany(c => new[] { "bytes", "pack", "unpack" }.Select(what => $"{NameOf(c)}.{what}"))];

    /// <summary>The rows of what is learnt.</summary>
    public static IReadOnlyList<string> AccuracyRows { get; } = [.. Learning.Select(c => $"{NameOf(c)}.accuracy")];

    public static IEnumerable<Row> MeasureCosts()
    {
        var (before, after) = TrainedModels.Create();
        return WithAndWithoutZstd.SelectMany(c => Costs(c, before, after));
    }

    public static IEnumerable<Row> MeasureAccuracies()
    {
        double? lossless = null;
        foreach (var codec in Learning)
        {
            if (Accuracy(codec) is not { } accuracy)
                continue;
            lossless ??= accuracy;
            yield return new Row
            {
                Name = $"codecs.{NameOf(codec)}.accuracy", Value = accuracy, Unit = "% of 10,000 digits", Peer = codec.Length == 0 ? null : "lossless float32", PeerValue = codec.Length == 0 ? null : lossless,
                Ratio = accuracy / lossless,
                Note = codec.Length > 0 ? null : "Ten rounds of the 2NN (784-200-200-10) on the same 4 of 20 participants, 3,000 samples each, batch 32, SGD 0.1, one seed for all codecs. Those without delta pack globals too. zstd, and a delta alone, change no bits: one of them, delta with zstd, stands for all.",
            };
        }
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
        var (copies, packs, unpacks) = (new List<double>(), new List<double>(), new List<double>());
        for (var i = 0; i < 7; i++)
        {
            copies.Add(Sample.Seconds(Copy, runs: 1, atLeast: 0.02).Median * 1000);
            packs.Add(Sample.Seconds(Pack, runs: 1, atLeast: 0.02).Median * 1000);
            unpacks.Add(Sample.Seconds(() => Unpacker.Unpack(packed, from).Dispose(), runs: 1, atLeast: 0.02).Median * 1000);
        }
        var (name, plain, bytes) = (NameOf(steps), (double)WeightsCodec.Encode(after).Length, WeightsCodec.Encode(packed).Length);
        yield return new Row { Name = $"codecs.{name}.bytes", Value = bytes, Unit = "bytes a model", Peer = "lossless float32", PeerValue = plain, Ratio = bytes / plain };
        yield return RowOf($"codecs.{name}.pack", packs, copies);
        yield return RowOf($"codecs.{name}.unpack", unpacks, copies);
    }

    private static Row RowOf(string name, List<double> times, List<double> copies) => new()
    {
        Name = name, Value = Sample.Of(times).Median, Spread = Sample.Of(times).Spread, Unit = "ms", Floor = Sample.Of(copies).Median, Ratio = Sample.Of(times).Median / Sample.Of(copies).Median,
    };

    /// <summary>The test accuracy after the last round, in per cent; null where the run failed.</summary>
    private static double? Accuracy(string steps)
    {
        // Beside the module, where the tool looks for it.
        var (file, report) = (Path.Combine(AppContext.BaseDirectory, $"codecs_{Environment.ProcessId}.json"), Path.GetTempFileName());
        try
        {
            File.WriteAllText(file, Definition(steps));
            var (output, code, _, _, _) = WholeProcess.Mantalight("simulate", file, "--participants", "20", "--test", "full", "--json", report);
            if (code != 0)
            {
                Console.Error.WriteLine($"The run with '{steps}' failed:\n{output}");
                return null;
            }
            using var document = JsonDocument.Parse(File.ReadAllBytes(report));
            return document.RootElement.GetProperty("rounds").EnumerateArray().Last().GetProperty("accuracy").GetDouble() * 100;
        }
        finally
        {
            File.Delete(file);
            File.Delete(report);
        }
    }

    private static string Definition(string steps)
    {
        var definition = JsonNode.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "two_layers.json")))!;
        definition["globals"]!["hyperparameters"]!["batch_size"] = 32;
        definition["rounds"]!["maximum"] = Rounds;
        // The same ones in each round: who is asked once in a while makes up late for what it has lost.
        definition["tasks"]![0]!["maximum"] = 4;
        definition["tasks"]![0]!["fixed"] = true;
        if (steps.Length == 0)
            return definition.ToJsonString();
        JsonNode List() => new JsonArray([.. steps.Split(',').Select(s => (JsonNode)s)]);
        definition["codecs"] = new JsonObject { ["model_params"] = List() };
        if (!steps.StartsWith("delta", StringComparison.Ordinal))
            definition["codecs"]!["global_model_params"] = List();
        return definition.ToJsonString();
    }

    private static string NameOf(string steps) => steps.Length == 0 ? "lossless" : steps.Replace(',', '_').Replace(' ', '_');
}

using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using MantaLight.Benchmarks.Report;

namespace MantaLight.Benchmarks.Topics;

/// <summary>What a swarm learns by a codec in ten rounds of MNIST, beside what it learns by none from the same seed.</summary>
internal static class CodecAccuracy
{
    /// <summary>No codec.</summary>
    public const string Lossless = "";

    private const int Rounds = 10;

    // Once for each seed, whichever codecs are measured beside it.
    private static readonly Dictionary<int, double?> LosslessBySeed = [];

    public static IEnumerable<Row> Measure(string steps, int seed)
    {
        if (!LosslessBySeed.TryGetValue(seed, out var lossless))
            LosslessBySeed[seed] = lossless = Accuracy(Lossless, seed);
        var accuracy = steps == Lossless ? lossless : Accuracy(steps, seed);
        if (accuracy is not { } value)
            yield break;
        var row = new Row { Name = $"codecs.{Codecs.NameOf(steps)}.accuracy", Value = value, Unit = "% of 10,000 digits" };
        yield return steps == Lossless
            ? row with { Note = "Ten rounds of the 2NN (784-200-200-10) on the same 4 of 20 participants, 3,000 samples each, batch 32, SGD 0.1, each run from a seed of its own, which are the same for all codecs. Those without delta pack globals too." }
            : row with { Peer = "lossless float32", PeerValue = lossless, Ratio = value / lossless };
    }

    /// <summary>The test accuracy after the last round, in per cent; null where the run failed.</summary>
    private static double? Accuracy(string steps, int seed)
    {
        // Beside the module, where the tool looks for it.
        var (file, report) = (Path.Combine(AppContext.BaseDirectory, $"codecs_{Environment.ProcessId}.json"), Path.GetTempFileName());
        try
        {
            File.WriteAllText(file, Definition(steps));
            var (output, code, _, _, _) = WholeProcess.Mantalight(
                "simulate", file, "--participants", "20", "--test", "full", "--seed", seed.ToString(CultureInfo.InvariantCulture), "--json", report);
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
        if (steps == Lossless)
            return definition.ToJsonString();
        JsonNode List() => new JsonArray([.. steps.Split(',').Select(s => (JsonNode)s)]);
        definition["codecs"] = new JsonObject { ["model_params"] = List() };
        if (!steps.StartsWith("delta", StringComparison.Ordinal))
            definition["codecs"]!["global_model_params"] = List();
        return definition.ToJsonString();
    }
}

using System.Text.Json;
using MantaLight.Tasks;

namespace MantaLight.Metrics;

/// <summary>
/// The tests of all nodes together: means by samples, ratios from summed counts, and how far apart the nodes are. A task that comes after the test makes it of the results, in node-id order.
/// </summary>
public sealed class GlobalMetrics
{
    /// <summary>The tag of nodes' metrics, unless a task has another.</summary>
    public const string TestTag = "test_metrics";

    /// <summary>The tag of what nodes tell class by class.</summary>
    public const string ClassesTag = "test_classes";

    /// <summary>The tag of the result with all nodes' metrics together.</summary>
    public const string Tag = "global_metrics";

    /// <summary>The tag of the result with all nodes' counts class by class.</summary>
    public const string GlobalClassesTag = "global_classes";

    private static readonly string[] Spreading = ["accuracy", "loss"];

    private GlobalMetrics(SortedDictionary<string, double> values, IReadOnlyList<NodeSpread> spreads, ClassCounts? classes, int nodes, double samples) =>
        (Values, Spreads, Classes, Nodes, Samples) = (values, spreads, classes, nodes, samples);

    /// <summary>The metrics by name, in ordinal order; of those that spread also <c>worst_</c>, <c>best_</c> and <c>std_</c>.</summary>
    public IReadOnlyDictionary<string, double> Values { get; }

    /// <summary>How far apart the nodes' accuracies and losses are; empty of one node.</summary>
    public IReadOnlyList<NodeSpread> Spreads { get; }

    /// <summary>All nodes' counts class by class; null where a node told none.</summary>
    public ClassCounts? Classes { get; }

    /// <summary>How many nodes' tests are in it.</summary>
    public int Nodes { get; }

    /// <summary>Their samples together.</summary>
    public double Samples { get; }

    /// <summary>Collects the results of the tasks before.</summary>
    /// <param name="world">The task's.</param>
    /// <param name="cancellationToken">Ends the wait for a large result.</param>
    /// <param name="tag">The tag of nodes' metrics.</param>
    /// <returns>Null where no node has told a number.</returns>
    public static async Task<GlobalMetrics?> CollectAsync(World world, CancellationToken cancellationToken, string tag = TestTag)
    {
        var tests = new List<NodeMetrics>();
        foreach (var result in world.Results.Select(tag))
        {
            if (await ReadAsync(result, cancellationToken) is { } json && NodeMetrics.Read(result.Node, json) is { } test)
                tests.Add(test);
        }
        var classes = new Dictionary<string, ClassCounts>(StringComparer.Ordinal);
        foreach (var result in world.Results.Select(ClassesTag))
        {
            if (await ReadAsync(result, cancellationToken) is { } json && ClassReport.Read(json) is { } counts)
                classes[result.Node] = counts;
        }
        return Of(tests, classes);
    }

    /// <summary>Adds the results <c>global_metrics</c> and, where nodes have told them, <c>global_classes</c>.</summary>
    public void AddTo(World world)
    {
        var told = Values.ToDictionary(v => v.Key, object (v) => v.Value, StringComparer.Ordinal);
        told["nodes"] = Nodes;
        told["samples"] = Samples;
        if (Spreads.Count > 0)
            told["spread"] = Spreads;
        world.Results.Add(Tag, told);
        if (Classes is { } classes)
            world.Results.Add(GlobalClassesTag, ClassReport.Of(classes));
    }

    /// <summary>Puts nodes' tests together.</summary>
    /// <param name="tests">In node-id order.</param>
    /// <param name="classes">Counts class by class, by node.</param>
    internal static GlobalMetrics? Of(IReadOnlyList<NodeMetrics> tests, IReadOnlyDictionary<string, ClassCounts> classes)
    {
        // Where some tell their samples, those that do not weigh nothing; where none does, all weigh the same.
        var isWeighted = tests.Any(t => t.Samples is not null);
        NodeMetrics[] counted = [.. tests.Where(t => t.Values.Count > 0 && (!isWeighted || t.Samples > 0))];
        if (counted.Length == 0)
            return null;
        var values = new SortedDictionary<string, double>(StringComparer.Ordinal);
        foreach (var name in counted.SelectMany(t => t.Values.Keys).Distinct(StringComparer.Ordinal))
            values[name] = Together(name, [.. counted.Where(t => t.Values.ContainsKey(name))]);
        var all = AllOf(counted, classes);
        Classify(values, all, classes.Count > 0);
        NodeSpread[] spreads = [.. Spreading.Select(name => NodeSpread.Of(name, [.. counted.Where(t => t.Values.ContainsKey(name)).Select(t => (t.Node, t.Values[name]))])).OfType<NodeSpread>()];
        foreach (var spread in spreads)
        {
            values[$"worst_{spread.Metric}"] = spread.Worst;
            values[$"best_{spread.Metric}"] = spread.Worst == spread.Deciles[0] ? spread.Deciles[^1] : spread.Deciles[0];
            values[$"std_{spread.Metric}"] = spread.StandardDeviation;
        }
        return new GlobalMetrics(values, spreads, all, counted.Length, counted.Sum(t => t.Samples ?? 0));
    }

    private static double Together(string name, NodeMetrics[] having)
    {
        if (having.All(t => t.Sums.ContainsKey(name)))
        {
            var count = having.Sum(t => t.Sums[name].Count);
            return having.Sum(t => t.Sums[name].Sum) / count;
        }
        double mean = 0, total = 0;
        foreach (var test in having)
        {
            // A running mean, as it gives back a value that all nodes agree on to the last bit.
            var weight = test.Samples ?? 1;
            total += weight;
            mean += (test.Values[name] - mean) * (weight / total);
        }
        return mean;
    }

    private static ClassCounts? AllOf(NodeMetrics[] tests, IReadOnlyDictionary<string, ClassCounts> classes)
    {
        ClassCounts? sum = null;
        foreach (var test in tests)
        {
            if (!classes.TryGetValue(test.Node, out var counts) || (sum is not null && sum.Classes != counts.Classes))
                return null;
            sum = sum?.Add(counts) ?? counts;
        }
        return sum;
    }

    // A mean of ratios is none of the whole: without all counts there is no such number.
    private static void Classify(SortedDictionary<string, double> values, ClassCounts? all, bool areTold)
    {
        if (all is not null)
        {
            values["macro_precision"] = all.MacroPrecision;
            values["macro_recall"] = all.MacroRecall;
            values["macro_f1"] = all.MacroF1;
            values["micro_f1"] = all.MicroF1;
        }
        else if (areTold)
        {
            foreach (var name in (string[])["macro_precision", "macro_recall", "macro_f1", "micro_f1"])
                values.Remove(name);
        }
    }

    private static async Task<JsonElement?> ReadAsync(Result result, CancellationToken cancellationToken)
    {
        if (result.Samples is not null)
            return null;
        try
        {
            return await result.GetAsync<JsonElement>(cancellationToken);
        }
        catch (MalformedDataException)
        {
            return null;
        }
    }
}

using System.Text.Json;
using MantaLight.Protocol;

namespace MantaLight.Cli.Watching;

/// <summary>A round as its watcher knows it.</summary>
internal sealed class RoundView(int number)
{
    private const int MaximumResults = 100_000;

    private static readonly string[] Extremes = ["epsilon", "delta", "private"];

    private readonly Dictionary<(string Tag, string Name), (double Least, double Largest)> ends = [];
    private readonly SortedDictionary<(string Node, string Alias, string Tag), JsonElement> results = [];

    /// <summary>The round, from 1; 0 is the setup.</summary>
    public int Number { get; } = number;

    /// <summary>What the coordinator says about it, once it is over.</summary>
    public RoundSummary? Summary { get; set; }

    /// <summary>Whether the definition allows no round after it.</summary>
    public bool IsLast { get; set; }

    /// <summary>The request for what comes next, and the task that made it.</summary>
    public (string Alias, NextRequest Request)? Next { get; set; }

    /// <summary>The small results that nodes have published, by node.</summary>
    public IEnumerable<(string Node, string Alias, string Tag, JsonElement Value)> Results =>
        results.Select(r => (r.Key.Node, r.Key.Alias, r.Key.Tag, r.Value));

    /// <summary>Accuracy of the global model, 0 to 1, over all nodes that tested it.</summary>
    public double? Accuracy => Metric("test_metrics.accuracy") ?? Metric("global_metrics.accuracy");

    /// <summary>The mean of the nodes' training losses.</summary>
    public double? Loss => Metric("train_metrics.loss");

    /// <summary>Keeps a result; the last of one kind counts.</summary>
    public void Add(string node, string alias, string tag, ValueRef content)
    {
        if (content.Value is { ValueKind: JsonValueKind.Object } value && results.Count < MaximumResults)
            results[(node, alias, tag)] = value;
    }

    /// <summary>The largest number of that name that a node has told; the mean of the summary where nodes' own are not known. Null where there is none.</summary>
    public double? Largest(string tag, string name) => Numbers(tag, name).Append(Metric($"{tag}.{name}")).Max();

    /// <summary>The least.</summary>
    public double? Least(string tag, string name) => Numbers(tag, name).Append(Metric($"{tag}.{name}")).Min();

    /// <summary>Forgets the nodes' results; what they come to together is in the summary.</summary>
    public void Forget()
    {
        // But for the ends of what is no mean.
        foreach (var (_, _, tag, value) in Results)
        {
            foreach (var member in value.EnumerateObject().Where(m => m.Value.ValueKind == JsonValueKind.Number && Extremes.Any(e => m.Name.EndsWith(e, StringComparison.Ordinal))))
            {
                var (number, known) = (member.Value.GetDouble(), ends.TryGetValue((tag, member.Name), out var end));
                ends[(tag, member.Name)] = known ? (Math.Min(end.Least, number), Math.Max(end.Largest, number)) : (number, number);
            }
        }
        results.Clear();
    }

    private IEnumerable<double?> Numbers(string tag, string name) => results
        .Where(r => r.Key.Tag == tag).Select(r => Json.Number(r.Value, name))
        .Concat(ends.TryGetValue((tag, name), out var end) ? [end.Least, end.Largest] : Array.Empty<double?>());

    private double? Metric(string name) => Summary is { } summary && summary.Metrics.TryGetValue(name, out var value) ? value : null;
}

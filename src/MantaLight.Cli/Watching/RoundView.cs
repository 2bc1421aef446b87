using System.Text.Json;
using MantaLight.Protocol;

namespace MantaLight.Cli.Watching;

/// <summary>A round as its watcher knows it.</summary>
internal sealed class RoundView(int number)
{
    private const int MaximumResults = 100_000;

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

    /// <summary>Forgets the nodes' results; what they come to together is in the summary.</summary>
    public void Forget() => results.Clear();

    private double? Metric(string name) => Summary is { } summary && summary.Metrics.TryGetValue(name, out var value) ? value : null;
}

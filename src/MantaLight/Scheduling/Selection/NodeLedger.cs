using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace MantaLight.Scheduling.Selection;

/// <summary>What is known of nodes from the rounds before: a committed global.</summary>
internal sealed record NodeLedger
{
    // Of more nodes those that have not been heard of for longest are forgotten.
    private const int Maximum = 20_000;

    /// <summary>Who was asked by name for the round under way.</summary>
    public ImmutableArray<string> Asked { get; init; } = [];

    /// <summary>By node id.</summary>
    public ImmutableSortedDictionary<string, NodeRecord> Nodes { get; init => field = value.WithComparers(StringComparer.Ordinal); } = ImmutableSortedDictionary.Create<string, NodeRecord>(StringComparer.Ordinal);

    /// <summary>Takes a round in.</summary>
    /// <param name="round">The round.</param>
    /// <param name="answers">Who has taken part, with what they told.</param>
    public NodeLedger After(int round, IReadOnlyDictionary<string, (double? Loss, long? Samples)> answers)
    {
        var nodes = Nodes.ToBuilder();
        foreach (var (node, (loss, samples)) in answers)
        {
            var before = nodes.GetValueOrDefault(node) ?? new NodeRecord();
            nodes[node] = before with { Loss = loss ?? before.Loss, Samples = samples ?? before.Samples, Round = round, Answered = before.Answered + 1 };
        }
        foreach (var node in Asked.IsDefault ? [] : Asked.Where(n => !answers.ContainsKey(n)))
        {
            var before = nodes.GetValueOrDefault(node) ?? new NodeRecord();
            nodes[node] = before with { Round = round, Missed = before.Missed + 1 };
        }
        if (nodes.Count > Maximum)
            nodes.RemoveRange([.. nodes.OrderBy(n => n.Value.Round).ThenBy(n => n.Key, StringComparer.Ordinal).Take(nodes.Count - Maximum).Select(n => n.Key)]);
        return this with { Nodes = nodes.ToImmutable() };
    }
}

/// <summary>What is known of a node.</summary>
internal sealed record NodeRecord
{
    /// <summary>Its last loss; null where it has told none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? Loss { get; init; }

    /// <summary>Its samples.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? Samples { get; init; }

    /// <summary>The last round that it took part in, or was asked to.</summary>
    public int Round { get; init; }

    /// <summary>In how many rounds it took part.</summary>
    public int Answered { get; init; }

    /// <summary>In how many it was asked by name, and did not.</summary>
    public int Missed { get; init; }
}

using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using MantaLight.Swarms;
using MantaLight.Tasks;

namespace MantaLight.Scheduling.Selection;

/// <summary>
/// Chooses the next round's nodes. <c>by_loss</c> is the power of choice of Cho et al. 2020 (Section 4, π_rpow-d): some candidates are drawn without replacement by their samples, and those of
/// the largest losses that they told last take part; a loss that is not known yet counts as infinite.
/// </summary>
internal sealed class NodeSelection(SelectionPolicy policy, World world, AttemptContext context)
{
    // What a record may name; of more the placement chooses the rest.
    private const int MostNamed = 500;

    /// <summary>Takes in who has taken part, and chooses.</summary>
    /// <param name="tag">The tag of the global with what is known of nodes.</param>
    /// <param name="cancellationToken">Ends the wait for a large result.</param>
    /// <returns>Nodes in the order of preference, and how many there are to be; both null where the placement chooses among all.</returns>
    /// <exception cref="TaskContractException">Nobody who takes part is among the results of the tasks before.</exception>
    public async Task<(IReadOnlyList<string>? Nodes, double? Maximum)> ChooseAsync(string tag, CancellationToken cancellationToken)
    {
        if (policy.Kind == "all")
            return (null, null);
        if (policy.Kind == "random")
            return (null, policy.Size.Count > 0 ? policy.Size.Count : policy.Size.Fraction);
        var ledger = world.Globals.Contains(tag) ? await world.Globals.GetAsync<NodeLedger>(tag, cancellationToken) : new NodeLedger();
        ledger = ledger.After(context.Round, await AnswersAsync(cancellationToken));
        var there = context.Candidates ?? [.. ledger.Nodes.Keys];
        var count = Math.Min(there.Count, policy.Size.Of(there.Count));
        string[] chosen = [.. Order(there, count, ledger).Take(Math.Min(count, MostNamed))];
        world.Globals.Set(tag, ledger with { Asked = [.. chosen] });
        return chosen.Length == 0 ? (null, null) : (chosen, count);
    }

    private async Task<Dictionary<string, (double? Loss, long? Samples)>> AnswersAsync(CancellationToken cancellationToken)
    {
        var metric = policy.Metric!;
        var results = world.Results.Select(metric.Tag);
        if (results.Count == 0)
            throw new TaskContractException($"'{policy.Text}' looks at who has taken part, and no task before '{context.Alias}' adds '{metric.Tag}'. Put the worker into its 'after', beside the test.");
        var answers = results.Select(r => r.Node).Distinct(StringComparer.Ordinal).ToDictionary(node => node, _ => ((double?)null, (long?)null), StringComparer.Ordinal);
        foreach (var reading in await metric.OfAllAsync(world, cancellationToken))
            answers[reading.Node] = (reading.Value, reading.Samples);
        return answers;
    }

    private IEnumerable<string> Order(IReadOnlyList<string> there, int count, NodeLedger ledger)
    {
        NodeRecord Of(string node) => ledger.Nodes.GetValueOrDefault(node) ?? new NodeRecord();
        return policy.Kind switch
        {
            "by_loss" => Drawn(there, count, Of)
                .OrderBy(node => Of(node).Loss is not null)
                .ThenBy(node => (policy.IsLowestFirst ? 1 : -1) * (Of(node).Loss ?? 0))
                // Of those that nothing is known of, by chance.
                .ThenBy(node => Of(node).Loss is null ? Draw(node) : 0)
                .ThenBy(node => node, StringComparer.Ordinal),
            // Who has never failed comes first, and of these who has rested for longest.
            "available" => there.OrderBy(node => (double)Of(node).Missed / Math.Max(1, Of(node).Missed + Of(node).Answered)).ThenBy(node => Of(node).Round).ThenBy(node => node, StringComparer.Ordinal),
            _ => there.OrderBy(node => Of(node).Round).ThenBy(node => node, StringComparer.Ordinal),
        };
    }

    /// <summary>The candidates: so many, without replacement, each with a probability that goes by its samples (Efraimidis and Spirakis 2006).</summary>
    private IEnumerable<string> Drawn(IReadOnlyList<string> there, int count, Func<string, NodeRecord> of)
    {
        if (policy.Candidates?.Of(there.Count) is not { } most || Math.Max(most, count) >= there.Count)
            return there;
        var usual = there.Select(node => (double?)of(node).Samples).Where(s => s > 0).DefaultIfEmpty(1).Average()!.Value;
        return there.OrderBy(node => -Math.Log(Draw(node)) / (of(node).Samples is > 0 and var samples ? samples : usual)).ThenBy(node => node, StringComparer.Ordinal).Take(Math.Max(most, count));
    }

    /// <summary>Above 0 and below 1, of the round's seed and the node alone.</summary>
    private double Draw(string node)
    {
        Span<byte> digest = stackalloc byte[32];
        SHA256.HashData(Encoding.UTF8.GetBytes($"{context.Seed}/{node}"), digest);
        return ((BinaryPrimitives.ReadUInt64LittleEndian(digest) >> 11) + 0.5) / (1UL << 53);
    }
}

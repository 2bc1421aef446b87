using System.Text.RegularExpressions;

namespace MantaLight.Metrics;

/// <summary>
/// Metrics that are a sum over something divided by a count: of samples, of pairs, of whatever they are a mean of. Sums and counts of batches add up, and so do those of nodes, so that the
/// metric of all of them together is right.
/// </summary>
public sealed partial class MetricSums
{
    /// <summary>The most that a test may have.</summary>
    public const int Maximum = 32;

    private readonly SortedDictionary<string, (double Sum, double Count)> sums = new(StringComparer.Ordinal);

    /// <summary>The names, in ordinal order.</summary>
    public IReadOnlyCollection<string> Names => sums.Keys;

    /// <summary>Adds what a batch brings.</summary>
    /// <param name="name">The metric's key in <c>test_metrics</c>: 1 to 40 characters of <c>a-z0-9_</c>, a letter first.</param>
    /// <param name="sum">What is divided, such as the number of hits.</param>
    /// <param name="count">What it is divided by, at least 0, such as the number of samples.</param>
    /// <exception cref="TaskContractException">The name is none or taken, there are too many, or a number is not finite.</exception>
    public void Add(string name, double sum, double count)
    {
        if (!Form.IsMatch(name) || Reserved.Contains(name))
            throw new TaskContractException($"'{name}' is no name for a metric of one's own: 1 to 40 characters of a-z0-9_, a letter first, and none of {string.Join(", ", Reserved)}.");
        if (!double.IsFinite(sum) || !double.IsFinite(count) || count < 0)
            throw new TaskContractException($"The metric '{name}' got the sum {sum} and the count {count}; both are finite, and a count is not below 0.");
        if (!sums.ContainsKey(name) && sums.Count >= Maximum)
            throw new TaskContractException($"A test has at most {Maximum} metrics of one's own; '{name}' is one more.");
        var (before, counted) = sums.GetValueOrDefault(name);
        sums[name] = (before + sum, counted + count);
    }

    /// <summary>Each metric's sum and count in the order of names; those that nothing was counted of are left out.</summary>
    public IEnumerable<(string Name, double Sum, double Count)> Counted => sums.Where(s => s.Value.Count > 0).Select(s => (s.Key, s.Value.Sum, s.Value.Count));

    internal static IReadOnlyCollection<string> Reserved { get; } =
        ["accuracy", "correct", "labels", "loss", "macro_f1", "macro_precision", "macro_recall", "micro_f1", "samples", "sums"];

    [GeneratedRegex(@"\A[a-z][a-z0-9_]{0,39}\z")]
    private static partial Regex Form { get; }
}

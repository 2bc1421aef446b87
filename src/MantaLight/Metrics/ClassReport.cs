using System.Text.Json;
using System.Text.Json.Serialization;
using MantaLight.Tasks;

namespace MantaLight.Metrics;

/// <summary>What a test tells class by class; the results <c>test_classes</c> and, of all nodes together, <c>global_classes</c>.</summary>
public sealed record ClassReport
{
    // Sums over any number of nodes stay far from overflowing.
    private const long Largest = 1L << 40;

    /// <summary>How many classes there are.</summary>
    public required int Classes { get; init; }

    /// <summary>Samples of a class that were taken for it, by class.</summary>
    public required IReadOnlyList<long> TruePositives { get; init; }

    /// <summary>Samples of other classes that were taken for it.</summary>
    public required IReadOnlyList<long> FalsePositives { get; init; }

    /// <summary>Samples of it that were taken for others.</summary>
    public required IReadOnlyList<long> FalseNegatives { get; init; }

    /// <summary>By class, rounded to nine digits.</summary>
    public IReadOnlyList<double>? Precision { get; init; }

    /// <inheritdoc cref="Precision"/>
    public IReadOnlyList<double>? Recall { get; init; }

    /// <inheritdoc cref="Precision"/>
    public IReadOnlyList<double>? F1 { get; init; }

    /// <summary>The confusion matrix: rows by what samples are, columns by what they were taken for; absent with more than <see cref="ClassCounts.MaximumMatrix"/> classes.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<IReadOnlyList<long>>? Confusion { get; init; }

    /// <summary>Tells counts.</summary>
    public static ClassReport Of(ClassCounts counts) => new()
    {
        Classes = counts.Classes,
        TruePositives = ByClass(counts, counts.TruePositives),
        FalsePositives = ByClass(counts, counts.FalsePositives),
        FalseNegatives = ByClass(counts, counts.FalseNegatives),
        Precision = Rounded(counts, counts.Precision),
        Recall = Rounded(counts, counts.Recall),
        F1 = Rounded(counts, counts.F1),
        Confusion = counts.Confusion,
    };

    /// <summary>The counts that a node tells; null where they cannot be any.</summary>
    internal static ClassCounts? Read(JsonElement json)
    {
        try
        {
            var report = TaskJson.Read<ClassReport>(json, "class counts");
            if (report.Classes is < 1 or > ClassCounts.MaximumClasses)
                return null;
            if (report.Confusion is { } matrix)
                return matrix.Count == report.Classes && matrix.All(AreSound) ? ClassCounts.OfConfusion(matrix) : null;
            if (!AreSound(report.TruePositives) || !AreSound(report.FalsePositives) || !AreSound(report.FalseNegatives) || report.TruePositives.Count != report.Classes)
                return null;
            return ClassCounts.Of(
                [.. report.TruePositives.Zip(report.FalseNegatives, (a, b) => a + b)], [.. report.TruePositives.Zip(report.FalsePositives, (a, b) => a + b)], report.TruePositives);
        }
        catch (Exception e) when (e is TaskContractException or ArgumentException)
        {
            return null;
        }
    }

    private static bool AreSound(IReadOnlyList<long>? counts) =>
        counts is { Count: <= ClassCounts.MaximumClasses } && counts.All(n => n is >= 0 and <= Largest) && counts.Sum(n => (decimal)n) <= Largest;

    private static IReadOnlyList<long> ByClass(ClassCounts counts, Func<int, long> of) => [.. Enumerable.Range(0, counts.Classes).Select(of)];

    private static IReadOnlyList<double> Rounded(ClassCounts counts, Func<int, double> of) => [.. Enumerable.Range(0, counts.Classes).Select(c => Math.Round(of(c), 9))];
}

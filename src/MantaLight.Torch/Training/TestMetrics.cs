using System.Text.Json;
using System.Text.Json.Serialization;
using MantaLight.Metrics;
using MantaLight.Tasks;

namespace MantaLight.Torch;

/// <summary>What a test gave; metrics of one's own stand beside these.</summary>
/// <param name="Accuracy">0 to 1; absent for a regression.</param>
/// <param name="Loss">The mean loss.</param>
/// <param name="Samples">Samples tested.</param>
/// <param name="Correct">How many labels were right; absent for a regression.</param>
public sealed record TestMetrics(
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] double? Accuracy,
    double Loss,
    long Samples,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] long? Correct)
{
    /// <summary>How many labels there were, where they are not one for each sample.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? Labels { get; init; }

    /// <summary>The mean precision of the classes that occur among labels or predictions.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? MacroPrecision { get; init; }

    /// <summary>The mean recall of these classes.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? MacroRecall { get; init; }

    /// <summary>The mean F1 of these classes.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? MacroF1 { get; init; }

    /// <summary>Precision, recall and F1 of all decisions together, which with one label for each sample are one number.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? MicroF1 { get; init; }

    /// <summary>Of the metrics of one's own the sum and the count, which those of other nodes are added to.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyDictionary<string, double[]>? Sums { get; init; }

    /// <summary>The metrics of one's own.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? More { get; init; }

    internal static TestMetrics Of((long Correct, long Labels)? right, double loss, long samples, ClassCounts? classes, MetricSums sums)
    {
        var counted = sums.Counted.ToArray();
        return new TestMetrics(right is { Labels: > 0 } some ? (double)some.Correct / some.Labels : null, loss, samples, right?.Correct)
        {
            Labels = right?.Labels == samples ? null : right?.Labels,
            MacroPrecision = classes?.MacroPrecision,
            MacroRecall = classes?.MacroRecall,
            MacroF1 = classes?.MacroF1,
            MicroF1 = classes?.MicroF1,
            Sums = counted.Length == 0 ? null : counted.ToDictionary(s => s.Name, s => (double[])[s.Sum, s.Count], StringComparer.Ordinal),
            More = counted.ToDictionary(s => s.Name, s => TaskJson.Write(s.Sum / s.Count), StringComparer.Ordinal),
        };
    }
}

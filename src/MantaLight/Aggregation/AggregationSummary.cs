using System.Text.Json;
using System.Text.Json.Serialization;
using MantaLight.Tasks;

namespace MantaLight.Aggregation;

/// <summary>What an aggregator combined; the result <c>aggregation</c>.</summary>
/// <param name="Participants">The nodes in the mean, in node-id order; at most 16.</param>
/// <param name="ParticipantCount">How many they are.</param>
/// <param name="Samples">Their samples together.</param>
/// <param name="Refused">The contributions that were left out; at most 16.</param>
/// <param name="RefusedCount">How many they are.</param>
public sealed record AggregationSummary(
    IReadOnlyList<string> Participants, int ParticipantCount, long Samples, IReadOnlyList<RefusedContribution> Refused, int RefusedCount)
{
    /// <summary>How many rounds before this one the contributions of tasks without a barrier began, on average; absent where there are none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? MeanStaleness { get; init; }

    /// <summary>How many at most.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? MaximumStaleness { get; init; }

    private const int MaximumListed = 16;
    private const int LongestReason = 300;
    private const int ShortestReason = 30;

    /// <summary>Sums up so briefly that the round's summary, which takes what stands in a record alone, can name whoever was refused.</summary>
    internal static AggregationSummary Of(IReadOnlyList<string> participants, long samples, IReadOnlyList<RefusedContribution> refused)
    {
        for (var longest = LongestReason; ; longest /= 2)
        {
            var summary = new AggregationSummary(
                [.. participants.Take(MaximumListed)], participants.Count, samples, [.. refused.Take(MaximumListed).Select(r => r.Shortened(longest))], refused.Count);
            if (longest < ShortestReason || JsonSerializer.SerializeToUtf8Bytes(summary, TaskJson.Options).Length <= TaskJson.MaximumInline)
                return summary;
        }
    }
}

/// <summary>A contribution that an aggregator left out.</summary>
/// <param name="Node">Whose it was.</param>
/// <param name="Reason">What is wrong with it.</param>
public sealed record RefusedContribution(string Node, string Reason)
{
    internal RefusedContribution Shortened(int longest) => Reason.Length <= longest ? this : this with { Reason = Reason[..longest] + "…" };
}

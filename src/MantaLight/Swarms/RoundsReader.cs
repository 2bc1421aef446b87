using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace MantaLight.Swarms;

/// <summary>The <c>rounds</c> of a definition.</summary>
internal static partial class RoundsReader
{
    private const int MaximumCount = SwarmReader.MaximumCount;
    private const int MaximumFactor = 1000;
    private static readonly TimeSpan MaximumDeadline = TimeSpan.FromDays(7);

    private static readonly string[] Keys =
        ["maximum", "deadline", "adaptive_deadline", "quorum", "on_shortfall", "retries", "leave_out_after", "minimum_nodes"];

    public static RoundsDefinition Read(JsonObjectReader json, SwarmProblems problems)
    {
        var defaults = new RoundsDefinition();
        if (!json.TryGet("rounds", out var value) || JsonObjectReader.Open(value, json.PathOf("rounds"), problems, Keys) is not { } rounds)
            return defaults;
        var deadline = ReadTime(rounds, "deadline", problems) ?? defaults.Deadline;
        return new RoundsDefinition
        {
            Maximum = (int)(rounds.Integer("maximum", 1, MaximumCount) ?? defaults.Maximum),
            Deadline = deadline,
            AdaptiveDeadline = ReadAdaptive(rounds, deadline, problems),
            Quorum = ReadQuorum(rounds, problems) ?? defaults.Quorum,
            OnShortfall = ReadPolicy(rounds, problems),
            Retries = (int)(rounds.Integer("retries", 0, 100) ?? defaults.Retries),
            LeaveOutAfter = (int)(rounds.Integer("leave_out_after", 0, 1000) ?? defaults.LeaveOutAfter),
            MinimumNodes = (int)(rounds.Integer("minimum_nodes", 1, MaximumCount) ?? defaults.MinimumNodes),
        };
    }

    private static double? ReadQuorum(JsonObjectReader rounds, SwarmProblems problems)
    {
        if (!rounds.TryGet("quorum", out var value))
            return null;
        if (value.ValueKind == JsonValueKind.Number && value.GetDouble() is > 0 and <= MaximumCount and var quorum
            && (quorum <= 1 || JsonPath.IsIntegerToken(value)))
        {
            return quorum;
        }
        problems.Add(rounds.PathOf("quorum"),
            $"found {JsonPath.Describe(value)}, expected a part of the nodes above 0 and at most 1, or a number of them from 2 to {MaximumCount} (an integer)");
        return null;
    }

    private static ShortfallPolicy ReadPolicy(JsonObjectReader rounds, SwarmProblems problems)
    {
        if (!rounds.TryGet("on_shortfall", out var value))
            return default;
        if (value.ValueKind == JsonValueKind.String)
        {
            foreach (var policy in Enum.GetValues<ShortfallPolicy>())
            {
                if (value.ValueEquals(NameOf(policy)))
                    return policy;
            }
        }
        problems.Add(rounds.PathOf("on_shortfall"), $"found {JsonPath.Describe(value)}, expected 'stop', 'wait' or 'skip'");
        return default;
    }

    public static string NameOf(ShortfallPolicy policy) => JsonNamingPolicy.SnakeCaseLower.ConvertName(policy.ToString());

    private static AdaptiveDeadline? ReadAdaptive(JsonObjectReader rounds, TimeSpan deadline, SwarmProblems problems)
    {
        if (!rounds.TryGet("adaptive_deadline", out var value)
            || JsonObjectReader.Open(value, rounds.PathOf("adaptive_deadline"), problems, "factor", "floor") is not { } adaptive)
        {
            return null;
        }
        var floor = ReadTime(adaptive, "floor", problems);
        if (floor > deadline)
            problems.Add(adaptive.PathOf("floor"), $"found '{floor:c}', expected at most the deadline of {deadline:c}");
        var defaults = AdaptiveDeadline.Default;
        // A deadline shorter than the usual floor needs no floor of its own.
        return new AdaptiveDeadline(ReadFactor(adaptive, problems) ?? defaults.Factor, floor ?? (defaults.Floor < deadline ? defaults.Floor : deadline));
    }

    private static double? ReadFactor(JsonObjectReader adaptive, SwarmProblems problems)
    {
        if (!adaptive.TryGet("factor", out var value))
            return null;
        if (value.ValueKind == JsonValueKind.Number && value.GetDouble() is >= 1 and <= MaximumFactor and var factor)
            return factor;
        problems.Add(adaptive.PathOf("factor"), $"found {JsonPath.Describe(value)}, expected a number from 1 to {MaximumFactor}");
        return null;
    }

    private static TimeSpan? ReadTime(JsonObjectReader json, string key, SwarmProblems problems)
    {
        const string expected = "a time as 'hh:mm:ss' or 'd.hh:mm:ss', above zero and at most 7 days";
        if (!json.TryGet(key, out var value))
            return null;
        var path = json.PathOf(key);
        if (json.Text(value, path, TimePattern, expected) is not { } text)
            return null;
        if (TimeSpan.TryParseExact(text, "c", CultureInfo.InvariantCulture, out var time) && time > TimeSpan.Zero && time <= MaximumDeadline)
            return time;
        problems.Add(path, $"found '{text}', expected {expected}");
        return null;
    }

    // Stricter than TimeSpan's own parser, to which "5" is five days.
    [GeneratedRegex(@"\A([0-9]{1,3}\.)?[0-9]{1,2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,7})?\z")]
    private static partial Regex TimePattern { get; }
}

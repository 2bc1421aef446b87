using MantaLight.Protocol;

namespace MantaLight.Coordination;

/// <summary>A completed record comes from the wire: it is committed only when every part of it is in order.</summary>
internal static class RecordCheck
{
    private const long MaximumSamples = 1L << 53;
    private const int MaximumReason = 500;
    private const int MaximumNodes = 500;
    private const int MaximumValues = 1000;

    /// <summary>What keeps the record from being committed; null when nothing does.</summary>
    public static string? ProblemOf(TaskCompleted record, bool maySetGlobals)
    {
        if (record.Globals.Length > 0 && !maySetGlobals)
            return "it sets globals, which only a task on one node may";
        if (record.Globals.Length + record.Results.Length > MaximumValues)
            return $"it has more than {MaximumValues} values";
        if (ProblemOf("global", record.Globals.Select(g => (g.Tag, g.Content))) is { } global)
            return global;
        if (ProblemOf("result", record.Results.Select(r => (r.Tag, r.Content))) is { } result)
            return result;
        if (record.Results.FirstOrDefault(r => !r.IsSound()) is { } baseless)
            return $"result '{baseless.Tag}' is a difference from what cannot be its base";
        if (record.Results.FirstOrDefault(r => r.Samples is < 1 or > MaximumSamples) is { } odd)
            return $"result '{odd.Tag}' claims {odd.Samples} samples";
        if (!double.IsFinite(record.Seconds) || record.Seconds < 0)
            return "its duration is no number of seconds";
        return record.Next is null ? null : ProblemOf(record.Next);
    }

    private static string? ProblemOf(string kind, IEnumerable<(string Tag, ValueRef Content)> values)
    {
        var tags = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (tag, content) in values)
        {
            if (!Identifier.IsValid(tag))
                return $"a {kind}'s tag is not {Identifier.Form}";
            if (!tags.Add(tag))
                return $"two {kind}s have the tag '{tag}'";
            if (!content.IsSound())
                return $"{kind} '{tag}' is neither a value nor a sound pointer";
        }
        return null;
    }

    private static string? ProblemOf(NextRequest next)
    {
        if (next.Reason is { Length: > MaximumReason })
            return $"its reason has more than {MaximumReason} characters";
        if (next.Alias is not null && !Identifier.IsValid(next.Alias))
            return "the alias that it asks for is no id";
        if (next.Maximum is { } most && !(most > 0 && most <= int.MaxValue && (most < 1 || most == Math.Floor(most))))
            return "the number of nodes that it asks for is neither a count nor a part of them";
        if (next.Nodes is not { } nodes)
            return null;
        if (nodes.Length > MaximumNodes)
            return $"it names {nodes.Length} nodes where at most {MaximumNodes} can be named; let the task's 'maximum' choose";
        return nodes.All(Identifier.IsValid) ? null : "it names a node that is no id";
    }
}

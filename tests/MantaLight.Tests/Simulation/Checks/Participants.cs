using System.Text.Json;
using MantaLight.Aggregation;
using MantaLight.Protocol;

namespace MantaLight.Simulation;

/// <summary>Whose updates an aggregate is made of. Its summary names no more than 16; of a larger round the schedule message knows them.</summary>
internal sealed class Participants
{
    private const int LongestAbsence = 100;

    private readonly Dictionary<string, (int Round, string[] Nodes)> scheduled = new(StringComparer.Ordinal);

    // A record that there is answers each further attempt of its task.
    private readonly HashSet<(string Run, int Round, string Alias, string Nodes)> ordered = [];

    /// <summary>Notes an order; returns whose updates it names.</summary>
    public IReadOnlyList<string> Seen(ScheduleAttempt schedule)
    {
        string[] nodes = [.. schedule.Inputs.Where(i => i.Staged.Tag == "model_params").Select(i => i.Node).Distinct()];
        if (nodes.Length == 0)
            return nodes;
        scheduled[schedule.Attempt] = (schedule.Round, nodes);
        ordered.Add((schedule.Run, schedule.Round, schedule.Alias, string.Join(',', nodes)));
        return nodes;
    }

    /// <summary>Whether some order named just those updates that an aggregate is made of, or says that it has refused.</summary>
    public bool WasOrdered(TaskCompleted record)
    {
        if (record.Results.FirstOrDefault(r => r.Tag == FedAvg.SummaryTag)?.Content.Value is not { } summary)
            return false;
        string[] named = [.. Names(summary.GetProperty("participants")), .. Names(summary.GetProperty("refused"), "node")];
        var count = summary.GetProperty("participant_count").GetInt32() + summary.GetProperty("refused_count").GetInt32();
        // Of a larger round it names the first ones.
        return ordered.Any(o => (o.Run, o.Round, o.Alias) == (record.Run, record.Round, record.Alias)
            && o.Nodes.Split(',') is var nodes && nodes.Length == count && named.All(nodes.Contains));
    }

    private static IEnumerable<string> Names(JsonElement list, string? member = null) =>
        list.EnumerateArray().Select(e => (member is null ? e : e.GetProperty(member)).GetString()!);

    /// <summary>Their ids with commas between them.</summary>
    public string Of(TaskCompleted record)
    {
        if (record.Results.FirstOrDefault(r => r.Tag == FedAvg.SummaryTag)?.Content.Value is not { } summary)
            return "";
        string?[] named = [.. summary.GetProperty("participants").EnumerateArray().Select(p => p.GetString())];
        var count = summary.GetProperty("participant_count").GetInt32();
        return string.Join(',', named.Length < count && scheduled.GetValueOrDefault(record.Attempt).Nodes is { } nodes && nodes.Length == count ? nodes : named);
    }

    /// <summary>Forgets earlier rounds.</summary>
    public void Forget(string run, int round)
    {
        foreach (var old in scheduled.Where(s => s.Value.Round < round).Select(s => s.Key).ToArray())
            scheduled.Remove(old);
        // Whoever was cut off for long says once more what it had done before, of whatever round that was.
        ordered.RemoveWhere(o => o.Run == run && o.Round < round - LongestAbsence);
    }
}

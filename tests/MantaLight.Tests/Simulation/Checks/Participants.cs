using MantaLight.Aggregation;
using MantaLight.Protocol;

namespace MantaLight.Simulation;

/// <summary>Whose updates an aggregate is made of. Its summary names no more than 16; of a larger round the schedule message knows them.</summary>
internal sealed class Participants
{
    private readonly Dictionary<string, (int Round, string[] Nodes)> scheduled = new(StringComparer.Ordinal);

    public void Seen(ScheduleAttempt schedule)
    {
        string[] nodes = [.. schedule.Inputs.Where(i => i.Staged.Tag == "model_params").Select(i => i.Node).Distinct()];
        if (nodes.Length > 0)
            scheduled[schedule.Attempt] = (schedule.Round, nodes);
    }

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
    public void Forget(int round)
    {
        foreach (var old in scheduled.Where(s => s.Value.Round < round).Select(s => s.Key).ToArray())
            scheduled.Remove(old);
    }
}

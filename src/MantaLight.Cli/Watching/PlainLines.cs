using System.Globalization;
using System.Text.Json;
using MantaLight.Protocol;

namespace MantaLight.Cli.Watching;

/// <summary>A run as lines of text, one for each happening, for files, pipes and logs.</summary>
internal static class PlainLines
{
    private const int MaximumNodes = 50;

    /// <summary>The lines for a happening.</summary>
    public static IEnumerable<string> Of(Happening happening, string swarm) => happening switch
    {
        Happening.TaskChanged task => [TaskLine(task)],
        Happening.Progressed progress => [string.Create(CultureInfo.InvariantCulture, $"Round {progress.Round}: {progress.Alias} {progress.Done:N0} of {progress.Of:N0}")],
        Happening.RoundFinished { Round: var round } => RoundLines(round),
        Happening.Trouble trouble => [$"Trouble: {Texts.Line(trouble.Text)}"],
        Happening.CheckpointWritten checkpoint => [string.Create(CultureInfo.InvariantCulture, $"Checkpoint of round {checkpoint.Round}: {checkpoint.Path}")],
        Happening.Waiting waiting => [$"Waiting: {Texts.Line(waiting.Reason)}"],
        Happening.Back back => [Texts.Line(back.Text)],
        Happening.StatusChanged status => [StatusLine(status, swarm)],
        _ => [],
    };

    private static string TaskLine(Happening.TaskChanged task)
    {
        var line = $"Task Update: {RunView.NameOf(task.Alias, task.Round)} - {task.Status.ToString().ToUpperInvariant()} - {task.Node}";
        return task.Reason is null ? line : $"{line} - {Texts.Line(task.Reason)}";
    }

    private static string StatusLine(Happening.StatusChanged change, string swarm)
    {
        var line = $"Swarm {swarm}: {Texts.Snake(change.Status)}";
        return change.Reason is null ? line : $"{line} ({Texts.Line(change.Reason)})";
    }

    private static IEnumerable<string> RoundLines(RoundView round)
    {
        var summary = round.Summary!;
        yield return string.Create(CultureInfo.InvariantCulture, $"Round {round.Number} Results:");
        if (summary.Skipped is { } skipped)
            yield return $"- Given up: {Texts.Line(skipped)}";
        var trained = round.Results.Where(r => r.Tag == "train_metrics").ToArray();
        foreach (var (node, _, _, metrics) in trained.Take(MaximumNodes))
            yield return $"- {node}: {TrainingOf(metrics)}";
        if (trained.Length > MaximumNodes)
            yield return $"- and {trained.Length - MaximumNodes} more nodes: mean local loss {(round.Loss is { } loss ? Texts.Loss(loss) : "unknown")}";
        foreach (var (_, alias, _, aggregation) in round.Results.Where(r => r.Tag == "aggregation"))
            yield return $"- {Texts.Title(alias)}: combined models from {Integer(aggregation, "participant_count")} workers ({Integer(aggregation, "samples")} total samples)";
        foreach (var left in summary.LeftOut)
            yield return $"- Left out: {left.Node}: {Texts.Line(left.Reason)}{(left.LateSeconds is { } late ? $" (came {Texts.Seconds(late)} s late)" : "")}";
        foreach (var privacy in PrivacyReport.After([round]))
            yield return $"- {privacy.Text}";
        if (round.Accuracy is { } accuracy)
            yield return $"- Global test accuracy: {Texts.Percent(accuracy)}";
        if (round.Next is { } next)
            yield return $"- {Texts.Title(next.Alias)}: {DecisionOf(next.Request, round.IsLast)}";
        else if (summary.Decision is { } decision)
            yield return $"- Scheduler: {Texts.Line(decision)}";
    }

    private static string TrainingOf(JsonElement metrics)
    {
        var loss = Json.Number(metrics, "loss") is { } value ? $"local loss {Texts.Loss(value)}, " : "";
        return $"{loss}trained on {Integer(metrics, "samples")} samples";
    }

    private static string DecisionOf(NextRequest request, bool isLast)
    {
        var word = request.Stop ? "stop" : isLast ? "no round is left" : "continue";
        return request.Reason is { } reason ? $"{word} ({Texts.Line(reason)})" : word;
    }

    private static string Integer(JsonElement value, string name) =>
        Json.Number(value, name) is { } number ? number.ToString("F0", CultureInfo.InvariantCulture) : "?";
}

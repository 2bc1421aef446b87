using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using MantaLight.Protocol;
using MantaLight.Swarms;

namespace MantaLight.Coordination;

/// <summary>What a node is told of an attempt that it is to run.</summary>
internal static class ScheduleMessages
{
    public static ScheduleAttempt Of(Turn turn, string alias, Attempt attempt)
    {
        var state = turn.State;
        var round = turn.Task(alias);
        var task = round.Task;
        var spread = ScheduleWindow.SpreadOf(round);
        return new ScheduleAttempt
        {
            Run = state.Run.ToString(),
            Term = state.Term,
            Round = state.Round,
            MaximumRounds = state.Definition.Rounds.Maximum,
            Alias = alias,
            TaskType = task.Type,
            Module = state.Definition.Module,
            Options = task.Options.ValueKind == JsonValueKind.Undefined ? null : task.Options,
            Attempt = attempt.Id,
            Number = attempt.Number,
            Seed = Seed(state, task, attempt.Node),
            Threads = state.Definition.Threads,
            TimeoutSeconds = Math.Max(1, (attempt.Deadline - turn.Now - spread).TotalSeconds),
            ReportSpreadSeconds = spread.TotalSeconds,
            MaySetGlobals = round.IsOnOneNode,
            Spent = Placement.IsForOneNode(task) ? Spent(turn) : null,
            Candidates = Selects(task) ? Placement.Candidates(state) : null,
            MaximumStaleness = task.Asynchronous?.MaximumStaleness,
            Globals = turn.GlobalsOf(alias),
            Codecs = Codecs(state.Definition),
            Inputs = turn.Inputs(alias, () => Inputs(state, task)),
        };
    }

    /// <summary>A definition's codecs, as messages have them.</summary>
    public static ImmutableArray<TagCodec>? Codecs(SwarmDefinition definition) =>
        definition.Codecs.IsEmpty ? null : [.. definition.Codecs.Select(c => new TagCodec { Tag = c.Key, Steps = c.Value.Steps })];

    /// <summary>Whether the task chooses nodes: its options say how.</summary>
    private static bool Selects(TaskDefinition task) => task.Options.ValueKind == JsonValueKind.Object && task.Options.TryGetProperty("select", out _);

    private static RunSpent Spent(Turn turn)
    {
        var (state, total) = (turn.State, turn.State.Traffic.Total);
        var round = Math.Max(0, (turn.Now - state.RoundBegan).TotalSeconds);
        return new RunSpent
        {
            Seconds = Math.Round(state.Seconds + round, 3),
            Bytes = total.Up + total.Down,
            RoundSeconds = Math.Round(round, 3),
            RoundBytes = Math.Max(0, total.Up + total.Down - state.Traffic.AtRoundStart.Up - state.Traffic.AtRoundStart.Down),
        };
    }

    // 53 bits, so that every JSON reader has the same number. A task for one node has the same seed wherever it is placed:
    // the loss of its host must not change the model.
    private static ulong Seed(CoordinatorState state, TaskDefinition task, string node) => Rendezvous.Hash(
        state.Definition.Seed.ToString(CultureInfo.InvariantCulture),
        state.Round.ToString(CultureInfo.InvariantCulture),
        task.Alias,
        Placement.IsForOneNode(task) ? "" : node) >> 11;

    private static ImmutableArray<ScheduledInput> Inputs(CoordinatorState state, TaskDefinition task) =>
    [
        .. task.After
            .Select(alias => state.Tasks.GetValueOrDefault(alias))
            .OfType<TaskRound>()
            .SelectMany(t => t.Placed.Values.Where(a => a.Record is not null).SelectMany(
                a => a.Record!.Results.Select(r => new ScheduledInput { Node = a.Node, Alias = t.Task.Alias, Round = t.Task.Asynchronous is null || a.Round == state.Round ? null : a.Round, Staged = r })))
            .OrderBy(i => i.Node, StringComparer.Ordinal)
            .ThenBy(i => i.Alias, StringComparer.Ordinal)
            .ThenBy(i => i.Staged.Tag, StringComparer.Ordinal),
    ];
}

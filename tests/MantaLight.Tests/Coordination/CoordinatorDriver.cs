using System.Collections.Immutable;
using System.Text.Json;
using MantaLight.Coordination;
using MantaLight.Protocol;
using MantaLight.Swarms;

namespace MantaLight.Tests.Coordination;

/// <summary>A coordinator driven event by event, on a clock of the test's own.</summary>
public abstract class CoordinatorDriver
{
    private protected static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private protected readonly CoordinatorTiming timing = new();
    private protected readonly List<CoordinatorAction> done = [];
    private protected DateTimeOffset now = Start;
    private protected CoordinatorState state = null!;

    private protected static SwarmDefinition Definition(double quorum = 1.0) => SwarmJson.Parse(System.Text.Encoding.UTF8.GetBytes($$"""
        { "name": "s", "module": "m",
          "tasks": [
            { "alias": "worker", "type": "W", "method": "all" },
            { "alias": "aggregator", "type": "A", "after": ["worker"] },
            { "alias": "scheduler", "type": "S", "after": ["aggregator"] } ],
          "rounds": { "maximum": 5, "deadline": "00:05:00", "quorum": {{quorum.ToString(System.Globalization.CultureInfo.InvariantCulture)}} } }
        """));

    /// <summary>The same with other rounds, and with further tasks.</summary>
    private protected static SwarmDefinition Rounds(string members, string tasks = "", bool setup = false) => SwarmJson.Parse(System.Text.Encoding.UTF8.GetBytes($$"""
        { "name": "s", "module": "m", {{(setup ? "\"setup\": \"Setup\"," : "")}}
          "tasks": [
            { "alias": "worker", "type": "W", "method": "all" },
            { "alias": "aggregator", "type": "A", "after": ["worker"] },
            { "alias": "scheduler", "type": "S", "after": ["aggregator"] }{{tasks}} ],
          "rounds": { "deadline": "00:05:00", {{members}} } }
        """));

    private protected static ValueRef One => new() { Value = JsonSerializer.SerializeToElement(1) };

    private protected void TakeOver(SwarmState retained, Traffic? counted = null)
    {
        done.Clear();
        var fresh = new CoordinatorState { Swarm = "s", Definition = state.Definition, Run = state.Run, Term = state.Term + 1, Timing = timing, Traffic = counted ?? new Traffic() };
        (state, var actions) = CoordinatorMachine.Begin(fresh, retained, retained?.Run == fresh.Run.ToString(), state.Members.Values.Select(m => m.Presence), now);
        done.AddRange(actions);
    }

    private protected void Accept(string alias, string node, long sent, string incarnation = "first") => Step(new CoordinatorEvent.UpdateSeen(new TaskAccepted
    {
        From = node, Incarnation = incarnation, Run = state.Run.ToString(), Round = state.Round, Alias = alias, Attempt = state.Tasks[alias].Placed[node].Id, BytesSent = sent,
    }));

    private protected void Progress(string alias, string node, double progress) => Step(new CoordinatorEvent.UpdateSeen(new TaskRunning
    {
        From = node, Incarnation = "first", Run = state.Run.ToString(), Round = state.Round, Alias = alias, Attempt = state.Tasks[alias].Placed[node].Id, Progress = progress,
    }));

    private protected void Begin(params string[] nodes) => Begin(Definition(), nodes);

    private protected void Begin(SwarmDefinition definition, params string[] nodes) => Begin(definition, null, nodes);

    private protected void Begin(SwarmDefinition definition, SwarmState? retained, params string[] nodes) => Begin(definition, retained, nodes.Select(n => Presence(n)));

    private protected void Begin(SwarmDefinition definition, Presence first, params Presence[] others) => Begin(definition, null, others.Prepend(first));

    private void Begin(SwarmDefinition definition, SwarmState? retained, IEnumerable<Presence> members)
    {
        var fresh = new CoordinatorState { Swarm = "s", Definition = definition, Run = new RunId(SwarmJson.HashOf(definition), 1), Term = 1, Timing = timing };
        (state, var actions) = CoordinatorMachine.Begin(fresh, retained, retained?.Run == fresh.Run.ToString(), members, now);
        done.AddRange(actions);
    }

    private protected static Presence Presence(string node, NodeStatus status = NodeStatus.Online, string incarnation = "first") =>
        new() { From = node, Incarnation = incarnation, Status = status, Modules = ["m"] };

    private protected void Member(string node, NodeStatus status = NodeStatus.Online, string incarnation = "first") =>
        Step(new CoordinatorEvent.MemberSeen(Presence(node, status, incarnation)));

    private protected TaskCompleted Completed(string alias, string node, double seconds) => new()
    {
        From = node, Incarnation = "first", Run = state.Run.ToString(), Round = state.Round, Alias = alias, Seconds = seconds,
        Attempt = state.Tasks[alias].Placed[node].Id,
        Results = [new StagedResult { Tag = "r", Content = new ValueRef { Value = JsonSerializer.SerializeToElement(1) } }],
    };

    private protected void Complete(string alias, params string[] nodes)
    {
        foreach (var node in nodes)
            Step(new CoordinatorEvent.UpdateSeen(Completed(alias, node, 1)));
    }

    private protected void Complete(string alias, string node, double seconds) => Step(new CoordinatorEvent.UpdateSeen(Completed(alias, node, seconds)));

    private protected void Fail(string alias, string node, string message = "no") => Step(new CoordinatorEvent.UpdateSeen(new TaskFailed
    {
        From = node, Incarnation = "first", Run = state.Run.ToString(), Round = state.Round, Alias = alias, Attempt = state.Tasks[alias].Placed[node].Id, Error = "E", Message = message,
    }));

    private protected void Wait(TimeSpan time)
    {
        now += time;
        Step(new CoordinatorEvent.Tick(default));
    }

    private protected void Step(CoordinatorEvent happening)
    {
        (state, var actions) = CoordinatorMachine.Step(state, happening, now);
        done.AddRange(actions);
    }

    private protected IReadOnlyList<CoordinatorAction.Schedule> Schedules(string alias) =>
        [.. done.OfType<CoordinatorAction.Schedule>().Where(s => s.Message.Alias == alias)];

    private protected string Host(string alias) => state.Tasks[alias].Placed.Keys.Single();

    private protected void FinishRound(params string[] nodes) => FinishRound(new NextRequest(), nodes);

    private protected void FinishRound(NextRequest next, params string[] nodes)
    {
        Complete("worker", [.. nodes.Where(state.Tasks["worker"].Placed.ContainsKey)]);
        Complete("aggregator", Host("aggregator"));
        Step(new CoordinatorEvent.UpdateSeen(Completed("scheduler", Host("scheduler"), 1) with { Next = next }));
    }
}

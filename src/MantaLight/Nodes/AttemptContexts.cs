using System.Text.Json;
using MantaLight.Concurrency;
using MantaLight.Protocol;
using MantaLight.Tasks;

namespace MantaLight.Nodes;

/// <summary>What a task is told of its attempt, and what it asks for in return, between messages and the task's own words.</summary>
internal static class AttemptContexts
{
    private static readonly JsonElement NoOptions = JsonElement.Parse("{}"u8);

    public static AttemptContext Of(ScheduleAttempt schedule, string swarm, string node, Action<TaskProgress> report, AsyncGate? alone, TimeProvider time) => new(report, alone)
    {
        Swarm = swarm,
        Round = schedule.Round,
        MaximumRounds = schedule.MaximumRounds,
        Node = node,
        Alias = schedule.Alias,
        Attempt = schedule.Number,
        Seed = schedule.Seed,
        Threads = schedule.Threads,
        Deadline = time.GetUtcNow() + TimeSpan.FromSeconds(Math.Clamp(schedule.TimeoutSeconds, 0, 7 * 86400)),
        Options = schedule.Options ?? NoOptions,
        Time = time,
    };

    public static NextRequest? Next(RoundRequest? request) => request is null ? null : new NextRequest
    {
        Stop = request.Stop,
        Converged = request.Converged,
        Reason = request.Reason,
        Nodes = request.Nodes is { } nodes ? [.. nodes] : null,
        Alias = request.Alias,
    };
}

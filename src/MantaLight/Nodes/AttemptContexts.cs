using System.Text.Json;
using MantaLight.Concurrency;
using MantaLight.Protocol;
using MantaLight.Tasks;

namespace MantaLight.Nodes;

/// <summary>What a task is told of its attempt, and what it asks for in return, between messages and the task's own words.</summary>
internal static class AttemptContexts
{
    // Thirty years: beyond what any run takes, and far within what a time span holds.
    private const double MaximumSeconds = 1e9;

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
        Spent = schedule.Spent is { } spent
            ? new SpentSoFar(TimeSpan.FromSeconds(Math.Min(spent.Seconds, MaximumSeconds)), spent.Bytes, TimeSpan.FromSeconds(Math.Min(spent.RoundSeconds, MaximumSeconds)), spent.RoundBytes)
            : null,
        Candidates = schedule.Candidates,
    };

    public static NextRequest? Next(RoundRequest? request) => request is null ? null : new NextRequest
    {
        Stop = request.Stop,
        Converged = request.Converged,
        Reason = request.Reason,
        Nodes = request.Nodes is { } nodes ? [.. nodes] : null,
        Alias = request.Alias,
        Maximum = request.Maximum,
    };
}

using MantaLight.Cli.Watching;
using MantaLight.Protocol;

namespace MantaLight.Integration.Tests.Cli;

/// <summary>A round of thousands, counted.</summary>
public sealed class RoundProgressTests
{
    private static readonly DateTimeOffset Noon = new(2026, 11, 24, 12, 0, 0, TimeSpan.Zero);

    private readonly RoundProgress progress = new();

    [Fact]
    public void What_has_completed_is_counted_by_task_and_round()
    {
        progress.See(State(1, "worker", TaskPhase.Running));
        progress.Count(new TaskCompleted { Round = 1, Alias = "worker" });
        progress.Count(new TaskCompleted { Round = 0, Alias = "worker" });
        Assert.Equal([("worker", 1, 1000)], progress.Tasks);
        progress.See(State(1, "worker", TaskPhase.Committed));
        Assert.Empty(progress.Tasks);
        progress.See(State(2, "worker", TaskPhase.Running));
        Assert.Equal([("worker", 0, 1000)], progress.Tasks);
    }

    [Fact]
    public void It_is_told_every_ten_seconds_in_which_nothing_else_was()
    {
        progress.See(State(3, "worker", TaskPhase.Running));
        progress.Count(new TaskCompleted { Round = 3, Alias = "worker" });
        Assert.Empty(progress.Tick(Noon));
        progress.Told(Noon.AddSeconds(5));
        Assert.Empty(progress.Tick(Noon.AddSeconds(14)));
        Assert.Equal(["Round 3: worker 1 of 1,000"], progress.Tick(Noon.AddSeconds(15)).SelectMany(h => PlainLines.Of(h, "mnist")));
        Assert.Empty(progress.Tick(Noon.AddSeconds(16)));
    }

    private static SwarmState State(int round, string alias, TaskPhase phase) =>
        new() { Round = round, Tasks = [new TaskState { Alias = alias, Phase = phase, Placed = 1000 }] };
}

using MantaLight.Coordination;
using MantaLight.Swarms;

namespace MantaLight.Tests.Coordination;

/// <summary>The counts of a task's attempts, on which every decision about it rests.</summary>
public sealed class TaskRoundTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void The_counts_are_those_of_its_attempts_whatever_happens_to_them(int seed)
    {
        var random = new Random(seed);
        string[] nodes = [.. Enumerable.Range(0, 6).Select(n => $"node_{n}")];
        var task = TaskRound.Of(new TaskDefinition { Alias = "worker", Type = "Worker" }, nodes, round: 1);
        for (var step = 0; step < 500; step++)
        {
            var node = nodes[random.Next(nodes.Length)];
            task = random.Next(5) == 0 ? task.Without(node) : task.With(new Attempt { Node = node, Phase = (AttemptPhase)random.Next(6), Overruns = random.Next(2) });
            var all = task.Placed.Values.ToArray();
            Assert.Equal(
                new PhaseCounts(Count(AttemptPhase.Waiting), Count(AttemptPhase.Scheduled), Count(AttemptPhase.Completed), Count(AttemptPhase.Failed), all.Count(a => a is { IsOpen: true, IsLate: true })),
                task.Counts);
            Assert.Equal(all.Count(a => a.IsOpen), task.Open);

            int Count(AttemptPhase phase) => all.Count(a => a.Phase == phase);
        }
    }
}

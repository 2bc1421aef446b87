using System.Globalization;
using MantaLight.Metrics;
using MantaLight.Tasks;

namespace MantaLight.Examples.Mnist;

/// <summary>Looks at the tests of all nodes and asks for another round until the accuracy is high enough.</summary>
public sealed class Scheduler : SwarmTask
{
    public override async Task RunAsync(CancellationToken cancellationToken)
    {
        var hyperparameters = await World.Globals.GetAsync<Goal>("hyperparameters", cancellationToken);
        var metrics = await GlobalMetrics.CollectAsync(World, cancellationToken);
        if (metrics is null || !metrics.Values.TryGetValue("accuracy", out var accuracy))
            throw new TaskContractException("No test_metrics in this round; the scheduler must run after the test task.");
        metrics.AddTo(World);

        if (hyperparameters.ValAccThreshold is { } threshold && accuracy >= threshold)
            World.StopSwarm(string.Create(CultureInfo.InvariantCulture, $"accuracy {accuracy:F4} reached {threshold}"));
        else
            World.ScheduleNextRound(reason: Remaining(hyperparameters.ValAccThreshold));
    }

    // All that a scheduler needs of them.
    private sealed record Goal(double? ValAccThreshold);

    private static string? Remaining(double? threshold) => threshold is { } value
        ? string.Create(CultureInfo.InvariantCulture, $"threshold {value * 100:F1}% not reached")
        : null;
}

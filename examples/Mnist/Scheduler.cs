using System.Globalization;
using MantaLight.Tasks;
using MantaLight.Torch;

namespace MantaLight.Examples.Mnist;

/// <summary>Looks at the tests of all nodes and asks for another round until the accuracy is high enough.</summary>
public sealed class Scheduler : SwarmTask
{
    public override async Task RunAsync(CancellationToken cancellationToken)
    {
        var hyperparameters = await World.Globals.GetAsync<Goal>("hyperparameters", cancellationToken);
        var tests = await World.Results.SelectAsync<TestMetrics>("test_metrics", cancellationToken);
        if (tests.Count == 0)
            throw new TaskContractException("No test_metrics in this round; the scheduler must run after the test task.");

        var samples = tests.Values.Sum(t => t.Samples);
        var accuracy = tests.Values.Sum(t => t.Accuracy * t.Samples) / samples;
        var loss = tests.Values.Sum(t => t.Loss * t.Samples) / samples;
        World.Results.Add("global_metrics", new { accuracy, loss, samples });

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

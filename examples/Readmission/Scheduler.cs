using System.Globalization;
using MantaLight.Metrics;
using MantaLight.Tasks;

namespace MantaLight.Examples.Readmission;

/// <summary>Tells recall and precision over all hospitals: of what they have counted together, since a mean of ratios would be of nothing.</summary>
public sealed class Scheduler : SwarmTask
{
    public override async Task RunAsync(CancellationToken cancellationToken)
    {
        var metrics = await GlobalMetrics.CollectAsync(World, cancellationToken) ?? throw new TaskContractException("No test_metrics in this round; the scheduler must run after the test task.");
        metrics.AddTo(World);
        World.ScheduleNextRound(reason: string.Create(
            CultureInfo.InvariantCulture, $"recall {metrics.Values.GetValueOrDefault("recall"):P1}, precision {metrics.Values.GetValueOrDefault("precision"):P1}"));
    }
}

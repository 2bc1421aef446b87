using MantaLight.Shared;
using MantaLight.Tasks;

namespace MantaLight.Simulation;

/// <summary>What the participants by script do, on a real node: it works until the same instant as they, and reports as training does.</summary>
public sealed class CrowdWorker : SwarmTask
{
    public override async Task RunAsync(CancellationToken cancellationToken)
    {
        var began = Context.Time.GetUtcNow();
        // Virtual clocks begin at midnight.
        var ends = began.Date + CrowdHabits.SameInstant(began.TimeOfDay);
        for (var now = began; now < ends; now = Context.Time.GetUtcNow())
        {
            Context.Report((now - began) / (ends - began), loss: 0.3);
            await Task.Delay(TimeSpan.FromMilliseconds(Math.Ceiling(Math.Min(50, (ends - now).TotalMilliseconds))), Context.Time, cancellationToken);
        }
        Context.Report(1);
        World.Results.Add("train_metrics", new { Loss = 0.25, Samples = 10 });
        using var trained = Vector.Of([.. Enumerable.Range(0, CrowdParticipant.Length).Select(i => i * 0.37f)]);
        World.Results.Add("model_params", trained, samples: 10);
    }
}

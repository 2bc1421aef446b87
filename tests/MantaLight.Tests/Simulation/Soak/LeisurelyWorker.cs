using MantaLight.Shared;
using MantaLight.Tasks;

namespace MantaLight.Simulation;

/// <summary>Does what the <see cref="PatientWorker"/> does in up to a minute, so that a day has rounds enough and not too many.</summary>
public class LeisurelyWorker : SwarmTask
{
    public override async Task RunAsync(CancellationToken cancellationToken)
    {
        using var global = await World.Globals.GetWeightsAsync(VectorMath.Global, cancellationToken);
        var error = await VectorMath.ErrorAsync(World.Globals, Context, Context.Node, cancellationToken);
        var values = VectorMath.Trained(global[0].Span<float>(), Context.Node, error);
        await Task.Delay(TimeSpan.FromSeconds(5 + (Context.Seed % 40)), Context.Time, cancellationToken);
        Context.Report(0.9, loss: 1);
        World.Results.Add("train_metrics", new { Loss = 1.0 / Context.Round });
        using var trained = Vector.Of(values);
        World.Results.Add("model_params", trained, samples: VectorMath.Samples(Context.Node));
    }
}

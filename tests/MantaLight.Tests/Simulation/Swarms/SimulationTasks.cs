using MantaLight.Shared;
using MantaLight.Tasks;

namespace MantaLight.Simulation;

/// <summary>Sets the first vector, long enough for several chunks.</summary>
public sealed class PatientSetup : SwarmTask
{
    public override async Task RunAsync(CancellationToken cancellationToken)
    {
        var length = await World.Globals.GetAsync<int>("length", cancellationToken);
        await PatientWorker.TakeTimeAsync(Context, cancellationToken);
        // The same wherever it is placed.
        var error = await VectorMath.ErrorAsync(World.Globals, Context, node: "", cancellationToken);
        using var first = Vector.Of(VectorMath.First(length, error));
        World.Globals.SetWeights(VectorMath.Global, first);
    }
}

/// <summary>Adds to the global what depends on its node and on its seed, and takes its time for it.</summary>
public sealed class PatientWorker : SwarmTask
{
    public override async Task RunAsync(CancellationToken cancellationToken)
    {
        using var global = await World.Globals.GetWeightsAsync(VectorMath.Global, cancellationToken);
        var error = await VectorMath.ErrorAsync(World.Globals, Context, Context.Node, cancellationToken);
        var values = VectorMath.Trained(global[0].Span<float>(), Context.Node, error);
        Context.Report(0.5, loss: 1);
        await TakeTimeAsync(Context, cancellationToken);
        World.Results.Add("train_metrics", new { Loss = 1.0 / Context.Round });
        using var trained = Vector.Of(values);
        World.Results.Add("model_params", trained, samples: VectorMath.Samples(Context.Node));
    }

    /// <summary>Between a moment and some seconds, as the attempt's seed has it.</summary>
    internal static Task TakeTimeAsync(AttemptContext context, CancellationToken cancellationToken) =>
        Task.Delay(TimeSpan.FromMilliseconds(10 + (context.Seed % 3000)), context.Time, cancellationToken);
}

/// <summary>Looks over the global and the updates while these are aggregated, and notes every bit of them.</summary>
public sealed class PatientAudit : SwarmTask
{
    public override async Task RunAsync(CancellationToken cancellationToken)
    {
        using var global = await World.Globals.GetWeightsAsync(VectorMath.Global, cancellationToken);
        var updates = World.Results.Select("model_params");
        var contents = new List<float[]>();
        foreach (var update in updates)
        {
            using var weights = await update.GetWeightsAsync(cancellationToken);
            contents.Add(weights[0].Span<float>().ToArray());
        }
        await PatientWorker.TakeTimeAsync(Context, cancellationToken);
        World.Globals.Set(VectorMath.AuditGlobal, new Audit([.. updates.Select(u => u.Node)], VectorMath.Digest(global[0].Span<float>(), contents)));
    }
}

/// <summary>What an audit has seen: whose updates, and a digest of all bits.</summary>
public sealed record Audit(IReadOnlyList<string> Nodes, string Digest);

/// <summary>Measures the global.</summary>
public sealed class PatientTest : SwarmTask
{
    public override async Task RunAsync(CancellationToken cancellationToken)
    {
        using var global = await World.Globals.GetWeightsAsync(VectorMath.Global, cancellationToken);
        await PatientWorker.TakeTimeAsync(Context, cancellationToken);
        World.Results.Add("test_metrics", new { Mean = global[0].Span<float>()[0] });
    }
}

/// <summary>Asks for another round; the definition says how many there are.</summary>
public sealed class PatientScheduler : SwarmTask
{
    public override async Task RunAsync(CancellationToken cancellationToken)
    {
        await World.Results.SelectAsync<Metrics>("test_metrics", cancellationToken);
        World.ScheduleNextRound(reason: $"after {Context.Round}");
    }

    private sealed record Metrics(double Mean);
}

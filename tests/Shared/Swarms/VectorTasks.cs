using MantaLight.Tasks;
using MantaLight.Weights;

namespace MantaLight.Shared;

/// <summary>Sets the first vector, of a length that the definition may give.</summary>
public sealed class FirstVector : SwarmTask
{
    public override async Task RunAsync(CancellationToken cancellationToken)
    {
        var length = World.Globals.Contains("length") ? await World.Globals.GetAsync<int>("length", cancellationToken) : 3;
        using var first = Vector.Of(new float[length]);
        World.Globals.SetWeights("global_model_params", first);
    }
}

/// <summary>Adds to the global what depends on its node alone, as training would.</summary>
public class VectorWorker : SwarmTask
{
    public override async Task RunAsync(CancellationToken cancellationToken)
    {
        using var global = await World.Globals.GetWeightsAsync("global_model_params", cancellationToken);
        var number = int.Parse(Context.Node.AsSpan(Context.Node.LastIndexOf('_') + 1), System.Globalization.CultureInfo.InvariantCulture) + 1;
        float[] values = [.. global[0].Span<float>().ToArray().Select(v => v + number)];
        Context.Report(0.5, loss: 1);
        World.Results.Add("train_metrics", new { Loss = 1.0 / (Context.Round * number), Samples = 10 * number, Seconds = 0.01 });
        using var trained = Contribution(values);
        World.Results.Add("model_params", trained, samples: 10 * number);
    }

    private protected virtual NamedArrays Contribution(float[] values) => Vector.Of(values);
}

/// <summary>On node_1, a worker whose weights are not numbers.</summary>
public sealed class PoisonedWorker : VectorWorker
{
    private protected override NamedArrays Contribution(float[] values) =>
        Vector.Of(Context.Node == "node_1" ? [.. values.Select(_ => float.NaN)] : values);
}

/// <summary>On node_1, a worker with a model of another shape.</summary>
public sealed class MisshapenWorker : VectorWorker
{
    private protected override NamedArrays Contribution(float[] values) =>
        Vector.Of(Context.Node == "node_1" ? [1, 2] : values);
}

/// <summary>On node_1, a worker that throws.</summary>
public sealed class ThrowingWorker : SwarmTask
{
    public override Task RunAsync(CancellationToken cancellationToken) => Context.Node == "node_1"
        ? throw new InvalidOperationException("the disk of node_1 is upside down")
        : Task.CompletedTask;
}

/// <summary>A worker that never ends by itself.</summary>
public sealed class EndlessWorker : SwarmTask
{
    public override Task RunAsync(CancellationToken cancellationToken) => Task.Delay(Timeout.Infinite, cancellationToken);
}

/// <summary>A worker that counts how often it has run.</summary>
public sealed class CountedWorker : VectorWorker
{
    private static readonly System.Collections.Concurrent.ConcurrentDictionary<string, int> Counts = new(StringComparer.Ordinal);

    public static int Count(string swarm) => Counts.GetValueOrDefault(swarm);

    public override Task RunAsync(CancellationToken cancellationToken)
    {
        Counts.AddOrUpdate(Context.Swarm, 1, (_, count) => count + 1);
        return base.RunAsync(cancellationToken);
    }
}

/// <summary>A worker that sets a global from several nodes.</summary>
public sealed class PresumptuousWorker : SwarmTask
{
    public override Task RunAsync(CancellationToken cancellationToken)
    {
        World.Globals.Set("mine", Context.Node);
        return Task.CompletedTask;
    }
}

/// <summary>Measures the mean of the global.</summary>
public sealed class VectorTest : SwarmTask
{
    public override async Task RunAsync(CancellationToken cancellationToken)
    {
        using var global = await World.Globals.GetWeightsAsync("global_model_params", cancellationToken);
        World.Results.Add("test_metrics", new { Accuracy = Math.Min(1, global[0].Span<float>()[0] / 10.0), Samples = 5 });
    }
}

/// <summary>Goes on until the accuracy is there.</summary>
public sealed class VectorScheduler : SwarmTask
{
    public override async Task RunAsync(CancellationToken cancellationToken)
    {
        var metrics = await World.Results.SelectAsync<TestMetrics>("test_metrics", cancellationToken);
        var accuracy = metrics.Values.Average(m => m.Accuracy);
        if (accuracy >= 0.99)
            World.StopSwarm($"accuracy {accuracy:0.00} reached 0.99");
        else
            World.ScheduleNextRound(reason: $"accuracy {accuracy:0.00}");
    }

    private sealed record TestMetrics(double Accuracy);
}

/// <summary>Keeps JSON globals: a small one, and one that is too large to stand in a message.</summary>
public sealed class Diary : SwarmTask
{
    public override async Task RunAsync(CancellationToken cancellationToken)
    {
        var days = World.Globals.Contains("diary") ? await World.Globals.GetAsync<List<string>>("diary", cancellationToken) : [];
        World.Globals.Set("diary", (List<string>)[.. days, $"round {Context.Round} {new string('.', 5000)}"]);
        World.Globals.Set("days", new { Count = days.Count + 1 });
    }
}

/// <summary>Names the nodes of the next round's first task, and the task: it always goes on.</summary>
public sealed class PickyScheduler : SwarmTask
{
    public override Task RunAsync(CancellationToken cancellationToken)
    {
        World.ScheduleNextRound([$"node_{Context.Round % 2}"], "worker");
        return Task.CompletedTask;
    }
}

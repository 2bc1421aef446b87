using MantaLight.Tasks;
using MantaLight.Torch;
using MantaLight.Weights;

namespace MantaLight.Benchmarks.Tasks;

/// <summary>Sets a first model of as many float32 as the global <c>parameters</c> says: ten, as the biases of a model's last layer, and layers of a million.</summary>
public sealed class EchoModel : SwarmTask
{
    /// <inheritdoc/>
    public override async Task RunAsync(CancellationToken cancellationToken)
    {
        var left = await World.Globals.GetAsync<long>("parameters", cancellationToken);
        var random = new Random(1);
        using var blocks = new NativeBlocks();
        var layers = new List<NamedArray>();
        while (left > 0)
        {
            var count = Math.Min(left, layers.Count == 0 ? 10 : 1_000_000);
            left -= count;
            var values = blocks.Add((int)count * sizeof(float));
            foreach (ref var value in System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(values.Span))
                value = random.NextSingle() - 0.5f;
            layers.Add(new NamedArray($"layer_{layers.Count}", ArrayType.Float32, [values.Length / sizeof(float)], values));
        }
        using var model = new NamedArrays(layers);
        World.Globals.SetWeights("global_model_params", model);
    }
}

/// <summary>
/// A worker that does not train: what is left of a round is what it costs beside training. It changes one number of the small layer, since what is the same
/// on all nodes would have to travel from none of them.
/// </summary>
public sealed class EchoWorker : SwarmTask
{
    /// <inheritdoc/>
    public override async Task RunAsync(CancellationToken cancellationToken)
    {
        using var global = await World.Globals.GetWeightsAsync("global_model_params", cancellationToken);
        var first = global[0].Data.ToArray();
        BitConverter.TryWriteBytes(first, new Random((int)Context.Seed).NextSingle());
        using var model = new NamedArrays([new NamedArray(global[0].Name, global[0].Type, global[0].Shape, first), .. global.Skip(1)]);
        World.Results.Add("train_metrics", new { Loss = 1.0, Samples = 1, Seconds = 0.0 });
        World.Results.Add("model_params", model, samples: 1);
    }
}

/// <summary>A test that reads the model and finds nothing out.</summary>
public sealed class EchoTest : SwarmTask
{
    /// <inheritdoc/>
    public override async Task RunAsync(CancellationToken cancellationToken)
    {
        using var model = await World.Globals.GetWeightsAsync("global_model_params", cancellationToken);
        World.Results.Add("test_metrics", new { Accuracy = 0.0, Loss = 1.0, Samples = 1, Correct = 0 });
    }
}

/// <summary>Goes on.</summary>
public sealed class EchoScheduler : SwarmTask
{
    /// <inheritdoc/>
    public override Task RunAsync(CancellationToken cancellationToken)
    {
        World.ScheduleNextRound();
        return Task.CompletedTask;
    }
}

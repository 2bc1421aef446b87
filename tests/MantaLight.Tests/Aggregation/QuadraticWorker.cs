using System.Runtime.InteropServices;
using MantaLight.Aggregation.Controls;
using MantaLight.Tasks;
using MantaLight.Weights;

namespace MantaLight.Tests.Aggregation;

/// <summary>Descends a (y - b)² / 2 with an a and b of its node's own, with control variates or without.</summary>
[TaskOptions(typeof(QuadraticOptions))]
public sealed class QuadraticWorker : SwarmTask
{
    /// <summary>Node 0 is steep near 1, node 1 flat near -3, and so on: where local steps are many, their mean is nowhere near the minimum of the sum.</summary>
    public static (double A, double B) Of(string node)
    {
        var number = int.Parse(node.AsSpan(node.LastIndexOf('_') + 1), System.Globalization.CultureInfo.InvariantCulture);
        return (number % 2 == 0 ? 4.0 : 0.5 + (0.1 * number), number % 2 == 0 ? 1.0 : -3.0 - number);
    }

    public static double Minimum(int nodes)
    {
        var all = Enumerable.Range(0, nodes).Select(n => Of($"node_{n}")).ToArray();
        return all.Sum(f => f.A * f.B) / all.Sum(f => f.A);
    }

    public override async Task RunAsync(CancellationToken cancellationToken)
    {
        var options = TaskJson.Read<QuadraticOptions>(Context.Options, "options");
        var (a, b) = Of(Context.Node);
        using var global = await World.Globals.GetWeightsAsync("global_model_params", cancellationToken);
        double x = global["w"].Span<float>()[0], y = x;
        using var variate = options.Option == 0 ? null : await ControlVariate.BeginAsync(World, Local, Context, "model_params", "global_model_params", cancellationToken);
        double c = variate?.Global?["w"].Span<float>()[0] ?? 0, own = variate?.Own?["w"].Span<float>()[0] ?? 0;
        for (var step = 0; step < options.Steps; step++)
            y -= options.Rate * ((a * (y - b)) - own + c);
        World.Results.Add("model_params", Models.Of(Models.Floats("w", (float)y)), samples: options.Samples);
        if (variate is null)
            return;
        var next = options.Option == 1 ? a * (x - b) : own - c + ((x - y) / (options.Steps * options.Rate));
        variate.End(Models.Of(Models.Floats("w", (float)next)), Models.Of(Models.Floats("w", (float)(next - own))), options.Samples);
    }
}

/// <summary>Options of <see cref="QuadraticWorker"/>.</summary>
public sealed record QuadraticOptions
{
    public int Steps { get; init; } = 10;

    public double Rate { get; init; } = 0.1;

    /// <summary>0 for no control variates.</summary>
    public int Option { get; init; } = 2;

    public long Samples { get; init; } = 1;
}

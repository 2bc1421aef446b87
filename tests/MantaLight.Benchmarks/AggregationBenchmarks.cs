using BenchmarkDotNet.Attributes;
using MantaLight.Aggregation;
using MantaLight.Weights;

namespace MantaLight.Benchmarks;

/// <summary>The weighted mean as contributions arrive, beside one read of them all.</summary>
[MemoryDiagnoser]
public class AggregationBenchmarks
{
    private NamedArrays[] models = [];

    [Params(10, 100)]
    public int Participants { get; set; }

    [GlobalSetup]
    public void Setup() => models = [.. Enumerable.Range(0, Participants).Select(Models.Create)];

    [Benchmark(Baseline = true)]
    public long ReadAll()
    {
        var sum = 0L;
        foreach (var model in models)
        {
            foreach (var array in model)
                sum += System.Numerics.Tensors.TensorPrimitives.Sum<int>(System.Runtime.InteropServices.MemoryMarshal.Cast<byte, int>(array.Data.Span));
        }
        return sum;
    }

    [Benchmark]
    public int WeightedMean()
    {
        using var mean = new WeightedMean(models[0]);
        for (var i = 0; i < models.Length; i++)
            mean.Add(models[i], samples: i + 1);
        using var result = mean.Finish();
        return result.Count;
    }
}

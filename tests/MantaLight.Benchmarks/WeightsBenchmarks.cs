using System.Buffers;
using BenchmarkDotNet.Attributes;
using MantaLight.Weights;

namespace MantaLight.Benchmarks;

/// <summary>Weights on the wire, beside a copy of the same bytes: the ratio is what counts.</summary>
[MemoryDiagnoser]
public class WeightsBenchmarks
{
    private readonly NamedArrays model = Models.Create(1);
    private readonly byte[] target = new byte[4_000_000];
    private byte[] blob = [];

    [GlobalSetup]
    public void Setup() => blob = WeightsCodec.Encode(model).ToArray();

    [Benchmark(Baseline = true)]
    public void CopyTheBytes()
    {
        var at = 0;
        foreach (var array in model)
        {
            array.Data.Span.CopyTo(target.AsSpan(at));
            at += array.Data.Length;
        }
    }

    [Benchmark]
    public long EncodeAsAGatherList() => WeightsCodec.Encode(model).Length;

    [Benchmark]
    public void EncodeIntoABuffer() => WeightsCodec.Encode(model).CopyTo(target);

    [Benchmark]
    public int DecodeToViews()
    {
        using var decoded = WeightsCodec.Decode(blob);
        return decoded.Count;
    }

    [Benchmark]
    public long FindNonFinite() => model.Sum(a => a.FirstNonFinite() ?? 0);
}

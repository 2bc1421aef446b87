using System.Runtime.InteropServices;
using MantaLight.Weights;

namespace MantaLight.Benchmarks;

/// <summary>The MNIST example's model: 784-512-512-10, 669,706 float32.</summary>
internal static class Models
{
    private static readonly (string Name, long[] Shape)[] Layout =
    [
        ("fc1.weight", [512, 784]), ("fc1.bias", [512]), ("fc2.weight", [512, 512]), ("fc2.bias", [512]), ("fc3.weight", [10, 512]), ("fc3.bias", [10]),
    ];

    public static NamedArrays Create(int seed)
    {
        var random = new Random(seed);
        return new NamedArrays(Layout.Select(layer =>
        {
            var values = new float[layer.Shape.Aggregate(1L, (a, b) => a * b)];
            for (var i = 0; i < values.Length; i++)
                values[i] = random.NextSingle() - 0.5f;
            return new NamedArray(layer.Name, ArrayType.Float32, layer.Shape, MemoryMarshal.AsBytes(values.AsSpan()).ToArray());
        }));
    }
}

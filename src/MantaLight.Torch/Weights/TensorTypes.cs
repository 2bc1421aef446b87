using MantaLight.Weights;
using static TorchSharp.torch;

namespace MantaLight.Torch.Weights;

/// <summary>Torch's element types and the wire's.</summary>
internal static class TensorTypes
{
    private static readonly (ScalarType Torch, ArrayType Wire)[] Pairs =
    [
        (ScalarType.Float32, ArrayType.Float32), (ScalarType.Float64, ArrayType.Float64),
        (ScalarType.Float16, ArrayType.Float16), (ScalarType.BFloat16, ArrayType.BFloat16),
        (ScalarType.Int8, ArrayType.Int8), (ScalarType.Byte, ArrayType.UInt8), (ScalarType.Int16, ArrayType.Int16),
        (ScalarType.Int32, ArrayType.Int32), (ScalarType.Int64, ArrayType.Int64), (ScalarType.Bool, ArrayType.Bool),
    ];

    /// <summary>The wire's type of a tensor.</summary>
    /// <exception cref="IncompatibleWeightsException">There is none, as for complex numbers.</exception>
    public static ArrayType ToArrayType(this ScalarType type, string name)
    {
        foreach (var (torch, wire) in Pairs)
        {
            if (torch == type)
                return wire;
        }
        throw new IncompatibleWeightsException($"Tensor '{name}' holds {type}, which weights cannot carry; known are: {string.Join(", ", Pairs.Select(p => p.Wire.WireName()))}.");
    }

    /// <summary>Torch's type of an array.</summary>
    public static ScalarType ToScalarType(this ArrayType type) => Array.Find(Pairs, p => p.Wire == type).Torch;
}

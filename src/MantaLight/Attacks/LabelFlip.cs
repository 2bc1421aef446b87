using System.Numerics;
using System.Runtime.InteropServices;
using MantaLight.Weights;

namespace MantaLight.Attacks;

/// <summary>Learns honestly from data with false labels: each label y of 0 to L in the array <c>y_train</c> is read as L - y.</summary>
/// <param name="Last">L, such as 9 for ten digits.</param>
public sealed record LabelFlip(int Last) : ContributionAttack
{
    private const string Labels = "y_train";

    internal override NamedArray Falsify(NamedArray data)
    {
        if (data.Name != Labels)
            return data;
        var bytes = data.Data.ToArray();
        switch (data.Type)
        {
            case ArrayType.UInt8: Flip<byte>(bytes); break;
            case ArrayType.Int8: Flip<sbyte>(bytes); break;
            case ArrayType.Int16: Flip<short>(bytes); break;
            case ArrayType.Int32: Flip<int>(bytes); break;
            case ArrayType.Int64: Flip<long>(bytes); break;
            case ArrayType.Float32: Flip<float>(bytes); break;
            case ArrayType.Float64: Flip<double>(bytes); break;
            default: return data;
        }
        return new NamedArray(data.Name, data.Type, data.Shape, bytes);
    }

    private void Flip<T>(Span<byte> bytes)
        where T : unmanaged, INumber<T>
    {
        var last = T.CreateSaturating(Last);
        foreach (ref var label in MemoryMarshal.Cast<byte, T>(bytes))
        {
            if (label >= T.Zero && label <= last)
                label = last - label;
        }
    }
}

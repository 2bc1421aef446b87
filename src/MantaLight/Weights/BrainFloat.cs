namespace MantaLight.Weights;

/// <summary>bfloat16: the upper half of a float32.</summary>
internal static class BrainFloat
{
    /// <summary>Exact.</summary>
    public static float ToSingle(ushort brain) => BitConverter.UInt32BitsToSingle((uint)brain << 16);

    /// <summary>Rounds to nearest, half to even, in one step.</summary>
    public static ushort Round(double value)
    {
        // Rounding to float32 first and then to bfloat16 could round twice; an inexact float32 is rounded to odd instead,
        // which keeps the second rounding right.
        var single = (float)value;
        var bits = BitConverter.SingleToUInt32Bits(single);
        if (single != value)
        {
            if (Math.Abs((double)single) > Math.Abs(value))
                bits--;
            bits |= 1;
        }
        var roundUp = 0x7FFFu + ((bits >> 16) & 1);
        return (ushort)((bits + roundUp) >> 16);
    }
}

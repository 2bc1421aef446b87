namespace MantaLight.Weights;

/// <summary>Element types of arrays on the wire and in files; always little-endian.</summary>
public enum ArrayType
{
    /// <summary>IEEE 754 single.</summary>
    Float32,

    /// <summary>IEEE 754 double.</summary>
    Float64,

    /// <summary>IEEE 754 half.</summary>
    Float16,

    /// <summary>Brain float, 8 bits of exponent.</summary>
    BFloat16,

    /// <summary>Signed byte.</summary>
    Int8,

    /// <summary>Unsigned byte.</summary>
    UInt8,

    /// <summary>Signed 16 bits.</summary>
    Int16,

    /// <summary>Signed 32 bits.</summary>
    Int32,

    /// <summary>Signed 64 bits.</summary>
    Int64,

    /// <summary>One byte, 0 or 1.</summary>
    Bool,
}

/// <summary>Names and sizes of <see cref="ArrayType"/>.</summary>
public static class ArrayTypes
{
    /// <summary>Bytes of one element.</summary>
    public static int SizeInBytes(this ArrayType type) => type switch
    {
        ArrayType.Float64 or ArrayType.Int64 => 8,
        ArrayType.Float32 or ArrayType.Int32 => 4,
        ArrayType.Float16 or ArrayType.BFloat16 or ArrayType.Int16 => 2,
        ArrayType.Int8 or ArrayType.UInt8 or ArrayType.Bool => 1,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, null),
    };

    /// <summary>The name on the wire: <c>float32</c>, <c>int64</c>, …</summary>
    public static string WireName(this ArrayType type) => type switch
    {
        ArrayType.Float32 => "float32",
        ArrayType.Float64 => "float64",
        ArrayType.Float16 => "float16",
        ArrayType.BFloat16 => "bfloat16",
        ArrayType.Int8 => "int8",
        ArrayType.UInt8 => "uint8",
        ArrayType.Int16 => "int16",
        ArrayType.Int32 => "int32",
        ArrayType.Int64 => "int64",
        ArrayType.Bool => "bool",
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, null),
    };

    /// <summary>Whether the elements are floats, of any width.</summary>
    public static bool IsFloat(this ArrayType type) => type is ArrayType.Float32 or ArrayType.Float64 or ArrayType.Float16 or ArrayType.BFloat16;

    /// <summary>The inverse of <see cref="WireName"/>; null for an unknown name.</summary>
    public static ArrayType? FromWireName(string? name)
    {
        foreach (var type in Enum.GetValues<ArrayType>())
        {
            if (WireName(type) == name)
                return type;
        }
        return null;
    }
}

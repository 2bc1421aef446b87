namespace MantaLight.Weights;

/// <summary>The names of element types in safetensors files.</summary>
internal static class SafetensorsTypes
{
    /// <summary>The key of the texts about the whole, which no array can have.</summary>
    public const string MetadataKey = "__metadata__";

    public static string NameOf(ArrayType type) => type switch
    {
        ArrayType.Float64 => "F64",
        ArrayType.Float32 => "F32",
        ArrayType.Float16 => "F16",
        ArrayType.BFloat16 => "BF16",
        ArrayType.Int64 => "I64",
        ArrayType.Int32 => "I32",
        ArrayType.Int16 => "I16",
        ArrayType.Int8 => "I8",
        ArrayType.UInt8 => "U8",
        ArrayType.Bool => "BOOL",
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, null),
    };

    /// <summary>The inverse; null for a name that is unknown here.</summary>
    public static ArrayType? Of(string name)
    {
        foreach (var type in Enum.GetValues<ArrayType>())
        {
            if (NameOf(type) == name)
                return type;
        }
        return null;
    }

    public static string All => string.Join(", ", Enum.GetValues<ArrayType>().Select(NameOf));
}

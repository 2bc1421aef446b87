using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace MantaLight.Weights.Packing;

/// <summary>What a packed blob says of itself: the JSON in its first array.</summary>
internal sealed record PackedHeader
{
    /// <summary>The name of the array that holds it. No model's array can have it: it is reserved.</summary>
    public const string ArrayName = "mantalight.packing/1";

    /// <summary>The longest header.</summary>
    public const int MaximumBytes = 4 << 20;

    /// <summary>The steps of <see cref="PackingPlan"/>.</summary>
    public required ImmutableArray<string> Steps { get; init; }

    /// <summary>The SHA-256 of the weights from which a delta was taken; null where there is none.</summary>
    public string? Base { get; init; }

    /// <summary>The arrays, in their order; the blob holds the bytes of each under its name.</summary>
    public required ImmutableArray<PackedArray> Arrays { get; init; }
}

/// <summary>An array that travels packed.</summary>
internal sealed record PackedArray
{
    public required string Name { get; init; }

    /// <summary>The type on the wire of weights, such as <c>float32</c>.</summary>
    public required string Dtype { get; init; }

    public required ImmutableArray<long> Shape { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(PackedHeader))]
internal sealed partial class PackedJson : JsonSerializerContext;

using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization;
using MantaLight.Tasks;

namespace MantaLight.Protocol;

/// <summary>Points at immutable bytes by their hash.</summary>
public sealed record BlobRef
{
    /// <summary>The largest blob, in bytes.</summary>
    public const long MaximumSize = 64L << 30;

    /// <summary>The largest chunk, in bytes: a packet with one is less than the 8 MiB that a node accepts.</summary>
    public const int MaximumChunkSize = 4 << 20;

    /// <summary>The SHA-256 of the bytes, lower-case hex.</summary>
    public string Sha256 { get; set; } = "";

    /// <summary>The length in bytes.</summary>
    public long Size { get; set; }

    /// <summary>The length of every chunk but the last.</summary>
    public int ChunkSize { get; set; }

    /// <summary>The number of chunks.</summary>
    public int ChunkCount { get; set; }

    /// <summary>What the bytes are: <c>weights</c>, <c>packed</c> or <c>json</c>.</summary>
    public string Format { get; set; } = "";

    /// <summary>The length of one chunk.</summary>
    public int LengthOf(int chunk) => (int)Math.Min(ChunkSize, Size - (long)chunk * ChunkSize);

    /// <summary>Whether the numbers agree and the hash looks like one.</summary>
    public bool IsSound() =>
        IsHash(Sha256) && Size is > 0 and <= MaximumSize && ChunkSize is >= 1024 and <= MaximumChunkSize
        && ChunkCount == (Size + ChunkSize - 1) / ChunkSize && (HoldsWeights || Format == ValueFormat.Json);

    /// <summary>Whether the bytes are weights, packed or as they are.</summary>
    [JsonIgnore]
    public bool HoldsWeights => Format is ValueFormat.Weights or ValueFormat.Packed;

    /// <summary>Whether the text is a lower-case SHA-256.</summary>
    public static bool IsHash(string? text) =>
        text is { Length: 64 } && !text.AsSpan().ContainsAnyExcept(HexDigits);

    private static readonly SearchValues<char> HexDigits = SearchValues.Create("0123456789abcdef");
}

/// <summary>What a blob holds.</summary>
public static class ValueFormat
{
    /// <summary>Named arrays as MessagePack.</summary>
    public const string Weights = "weights";

    /// <summary>Named arrays as MessagePack that hold others in a smaller form.</summary>
    public const string Packed = "packed";

    /// <summary>A JSON value too large to stand in a message.</summary>
    public const string Json = "json";
}

/// <summary>A value, either itself or where it is: exactly one of the two is there.</summary>
public sealed record ValueRef
{
    /// <summary>The most JSON that stands in a message, in bytes.</summary>
    public const int MaximumInline = TaskJson.MaximumInline;

    /// <summary>A small JSON value.</summary>
    public JsonElement? Value { get; set; }

    /// <summary>Where anything else is.</summary>
    public BlobRef? Blob { get; set; }

    /// <summary>Whether exactly one is there and in order.</summary>
    public bool IsSound() => Value is null ? Blob is not null && Blob.IsSound() : Blob is null;
}

/// <summary>A committed global of a run, in <c>state</c> and in schedule messages.</summary>
public sealed record GlobalEntry
{
    /// <summary>The tag.</summary>
    public string Tag { get; set; } = "";

    /// <summary>Grows with every commit of the tag; 0 is the definition's.</summary>
    public int Version { get; set; }

    /// <summary>The round that set it.</summary>
    public int Round { get; set; }

    /// <summary>The value.</summary>
    public ValueRef Content { get; set; } = new();
}

/// <summary>A committed global on its own topic (retained), for whoever joins late or only watches.</summary>
public sealed record GlobalValue : CoordinatorMessage
{
    /// <summary>The global.</summary>
    public GlobalEntry Global { get; set; } = new();
}

/// <summary>A node's result as watchers see it: small ones in full, others by their pointer.</summary>
public sealed record ResultValue : RunMessage
{
    /// <summary>The round.</summary>
    public int Round { get; set; }

    /// <summary>The task that made it.</summary>
    public string Alias { get; set; } = "";

    /// <summary>The tag.</summary>
    public string Tag { get; set; } = "";

    /// <summary>The samples behind weights.</summary>
    public long? Samples { get; set; }

    /// <summary>The value.</summary>
    public ValueRef Content { get; set; } = new();
}

/// <summary>A result in a completed record and as an input.</summary>
public sealed record StagedResult
{
    /// <summary>The tag.</summary>
    public string Tag { get; set; } = "";

    /// <summary>The samples behind weights.</summary>
    public long? Samples { get; set; }

    /// <summary>The value.</summary>
    public ValueRef Content { get; set; } = new();

    /// <summary>Of weights that travel as a difference: the weights from which it was taken, wherever their tag points by now; else absent.</summary>
    public BlobRef? Base { get; set; }

    /// <summary>Of weights that are a difference: the tag of the global from which, as it was when the attempt began; else absent.</summary>
    public string? DifferenceFrom { get; set; }

    /// <summary>Whether it has a value, and a base only where it can have one.</summary>
    public bool IsSound() => Content.IsSound() && (DifferenceFrom is null || (Identifier.IsValid(DifferenceFrom) && Content.Blob is { HoldsWeights: true })) && (Base is null || (Base is { HoldsWeights: true } && Base.IsSound() && Content.Blob is { Format: ValueFormat.Packed }));
}

/// <summary>A global that an attempt has staged.</summary>
public sealed record StagedGlobal
{
    /// <summary>The tag.</summary>
    public string Tag { get; set; } = "";

    /// <summary>The value; its blob stands on the broker already.</summary>
    public ValueRef Content { get; set; } = new();
}

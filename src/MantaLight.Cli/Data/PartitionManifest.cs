using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace MantaLight.Cli.Data;

/// <summary>Stands beside prepared partitions and says what they are, so that they need not be made again.</summary>
internal sealed record PartitionManifest
{
    /// <summary>Its name in the data set's folder.</summary>
    public const string FileName = "partition.json";

    /// <summary>The value of <see cref="Format"/>.</summary>
    public const string CurrentFormat = "mantalight.partition/1";

    /// <summary>The version of this file and of the way in which a seed leads to a partition.</summary>
    public required string Format { get; init; }

    /// <summary>The data set.</summary>
    public required string Dataset { get; init; }

    /// <summary>How training samples were shared out.</summary>
    public required string Partition { get; init; }

    /// <summary>The seed of all choices.</summary>
    public required ulong Seed { get; init; }

    /// <summary>Whether test samples were shared out or given to each node.</summary>
    public required TestShare Test { get; init; }

    /// <summary>What the classes are called; null where they are numbers from 0.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ImmutableArray<string>? ClassNames { get; init; }

    /// <summary>What each node got, in order.</summary>
    public required ImmutableArray<PartitionOfNode> Nodes { get; init; }

    /// <summary>Reads the manifest of a folder; null where there is none that can be read.</summary>
    public static async Task<PartitionManifest?> TryReadAsync(string folder, CancellationToken cancellationToken)
    {
        try
        {
            await using var file = File.OpenRead(Path.Combine(folder, FileName));
            var manifest = await JsonSerializer.DeserializeAsync(file, PartitionJson.Default.PartitionManifest, cancellationToken);
            return manifest is { Nodes.IsDefault: false, Format: CurrentFormat } ? manifest : null;
        }
        catch (Exception e) when (e is IOException or JsonException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Takes the manifest away, so that the files beside it count no more.</summary>
    public static void Remove(string folder)
    {
        var path = Path.Combine(folder, FileName);
        if (File.Exists(path))
            File.Delete(path);
    }

    /// <summary>Writes the manifest, complete or not at all.</summary>
    public async Task WriteAsync(string folder, CancellationToken cancellationToken)
    {
        var path = Path.Combine(folder, FileName);
        var unfinished = $"{path}.tmp";
        await File.WriteAllBytesAsync(unfinished, JsonSerializer.SerializeToUtf8Bytes(this, PartitionJson.Default.PartitionManifest), cancellationToken);
        File.Move(unfinished, path, overwrite: true);
    }
}

/// <summary>One node's part.</summary>
/// <param name="Node">The node's id.</param>
/// <param name="Train">Training samples.</param>
/// <param name="Test">Test samples.</param>
/// <param name="Classes">Training samples of each class.</param>
internal sealed record PartitionOfNode(string Node, int Train, int Test, ImmutableArray<int> Classes);

/// <summary>Who gets which test samples.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<TestShare>))]
internal enum TestShare
{
    /// <summary>Each sample goes to one node, at random.</summary>
    [JsonStringEnumMemberName("split")]
    Split,

    /// <summary>Every node gets all of them.</summary>
    [JsonStringEnumMemberName("full")]
    Full,
}

/// <summary>How manifests are written.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true, NewLine = "\n")]
[JsonSerializable(typeof(PartitionManifest))]
internal sealed partial class PartitionJson : JsonSerializerContext;

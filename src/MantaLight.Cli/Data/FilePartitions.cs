using MantaLight.Protocol;

namespace MantaLight.Cli.Data;

/// <summary>What parts of a file are wanted, and where.</summary>
internal sealed record FilePartitions
{
    /// <summary>The .npz or .csv file.</summary>
    public required string File { get; init; }

    /// <summary>The number of nodes; null for as many as a key has values, and else two.</summary>
    public int? Nodes { get; init; }

    /// <summary>How samples are shared out.</summary>
    public PartitionSpec Partition { get; init; } = PartitionSpec.Iid;

    /// <summary>The array or column with the classes; null for <c>y_train</c> or <c>y</c>, where there is one.</summary>
    public string? Label { get; init; }

    /// <summary>The data set's name; null for the file's.</summary>
    public string? Name { get; init; }

    /// <summary>Where all choices come from.</summary>
    public ulong Seed { get; init; } = 42;

    /// <summary>Who gets which test samples.</summary>
    public TestShare Test { get; init; } = TestShare.Split;

    /// <summary>The folder that gets <c>NAME/node_{i}/NAME.npz</c>.</summary>
    public string Output { get; init; } = Path.Combine("temp", "partitioned");

    /// <summary>The data set's name.</summary>
    /// <exception cref="InvalidSettingException">It cannot be one.</exception>
    public string Dataset
    {
        get
        {
            var name = Name ?? Path.GetFileNameWithoutExtension(File);
            return Identifier.IsValid(name) ? name : throw new InvalidSettingException($"'{name}' cannot be a data set's name (1 to 64 of A-Z, a-z, 0-9, _ and -); give it one with --name.");
        }
    }

    /// <summary>The data set's folder.</summary>
    public string Folder => Path.Combine(Path.GetFullPath(Output), Dataset);

    /// <summary>The file of a node.</summary>
    public string FileOf(string node) => Path.Combine(Folder, node, Dataset + Path.GetExtension(File).ToLowerInvariant());
}

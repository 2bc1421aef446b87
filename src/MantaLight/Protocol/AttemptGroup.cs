using System.Collections.Immutable;

namespace MantaLight.Protocol;

/// <summary>Attempts of a task without a barrier that began in the same round.</summary>
public sealed record AttemptGroup
{
    private const int MostReads = 1000;

    /// <summary>The round in which they began: of its globals are the weights that they started from.</summary>
    public int Round { get; set; }

    /// <summary>Their nodes; none where <see cref="NodeKeys"/> has them.</summary>
    public ImmutableArray<string> Nodes { get; set; } = [];

    /// <summary>A key for each, where they are many: four bytes, in ascending order, as base64.</summary>
    public string? NodeKeys { get; set; }

    /// <summary>Of attempts under way: the hashes of the globals that they may read yet.</summary>
    public ImmutableArray<string> Reads { get; set; } = [];

    /// <summary>Whether a node's attempt is among them.</summary>
    public bool Has(string node) => NodeKeys is null ? Nodes.Contains(node) : Protocol.NodeKeys.Read(NodeKeys)?.Contains(Protocol.NodeKeys.Of(node)) == true;

    /// <summary>Whether its ids and hashes can be what they should be.</summary>
    public bool IsSound() => Round >= 0 && !Nodes.IsDefault && !Reads.IsDefault && Nodes.All(Identifier.IsValid) && Reads.Length <= MostReads && Reads.All(BlobRef.IsHash);
}

using System.Security.Cryptography;
using System.Text;
using MantaLight.Swarms;

namespace MantaLight.Nodes;

/// <summary>A definition as a node has read it.</summary>
/// <param name="Hash">Of the definition; of the bytes where they are none.</param>
/// <param name="Bytes">As its owner has published it.</param>
/// <param name="Definition">Null where it could not be read.</param>
/// <param name="Problem">Why it cannot run here.</param>
internal sealed record SwarmBook(string Hash, ReadOnlyMemory<byte> Bytes, SwarmDefinition? Definition, string? Problem)
{
    /// <summary>The start after which its owner has asked for another.</summary>
    public int? RestartAfter { get; init; }

    /// <summary>The start that its owner has asked to go on with, although it has ended.</summary>
    public int? ResumeAfter { get; init; }

    /// <summary>Whether its owner has removed it.</summary>
    public bool Removing { get; init; }

    /// <summary>Whether nothing is known of it: a claim stands that is to be taken away, beside a tombstone or alone.</summary>
    public bool IsClaimAlone { get; init; }

    /// <summary>Whether the broker has delivered it in this life of the connection.</summary>
    public bool Confirmed { get; init; } = true;

    /// <summary>The definition's text; null where it is none that could be sent.</summary>
    public string? Text => Definition is null ? null : Encoding.UTF8.GetString(Bytes.Span);

    /// <summary>The definition is one, but this node's module does not fit it: another node's may.</summary>
    public bool IsLocalProblem => Problem is not null && Definition is not null;

    /// <summary>A definition of which nothing is left but its hash.</summary>
    public static SwarmBook Lost(string hash) => new(hash, ReadOnlyMemory<byte>.Empty, null, "the definition is lost");

    /// <summary>No definition, but a claim that somebody has left.</summary>
    /// <param name="hash">The removed definition's, where it is known.</param>
    public static SwarmBook ClaimAlone(string? hash) => Lost(hash ?? new string('0', 2 * SHA256.HashSizeInBytes)) with { Removing = true, IsClaimAlone = true, Confirmed = false };

    public static SwarmBook Read(ReadOnlyMemory<byte> bytes, NodeSettings settings)
    {
        SwarmDefinition definition;
        try
        {
            definition = SwarmJson.Parse(bytes.ToArray());
        }
        catch (Exception e)
        {
            // Whatever is wrong with it is told in the state, not only to this node's log.
            return new SwarmBook(Convert.ToHexStringLower(SHA256.HashData(bytes.Span)), bytes, null, e.Message);
        }
        return new SwarmBook(SwarmJson.HashOf(definition), bytes, definition, ProblemHere(definition, settings));
    }

    // Nodes with other modules must agree on the hash: only the problem is this node's own.
    private static string? ProblemHere(SwarmDefinition definition, NodeSettings settings)
    {
        if (!settings.Modules.TryGetValue(definition.Module, out var catalog))
            return null;
        try
        {
            SwarmValidator.Check(definition, catalog);
            return null;
        }
        catch (Exception e)
        {
            return e.Message;
        }
    }
}

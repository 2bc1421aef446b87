using System.Security.Cryptography;

namespace MantaLight.Swarms;

/// <summary>Swarm definitions as JSON: snake_case keys, strict, bounded; comments and trailing commas are allowed.</summary>
public static class SwarmJson
{
    /// <summary>The most bytes of a definition: 1 MiB.</summary>
    public const int MaximumBytes = 1 << 20;

    /// <summary>The most levels of nesting.</summary>
    public const int MaximumDepth = 32;

    /// <summary>Reads and validates a definition.</summary>
    /// <param name="utf8">UTF-8 text, with or without a byte order mark.</param>
    /// <exception cref="InvalidSwarmException">It is not valid; the message lists every problem with its JSON path.</exception>
    public static SwarmDefinition Parse(ReadOnlyMemory<byte> utf8) => SwarmReader.Read(utf8);

    /// <summary>
    /// Writes the canonical form: fixed key order, defaults left out, globals by tag; the values of globals and options
    /// keep the order of their own keys and their numbers as written.
    /// </summary>
    /// <param name="definition">The definition; it is not validated here.</param>
    /// <param name="indented">Whether to write it for people, with line breaks; false for the compact form.</param>
    public static byte[] Write(SwarmDefinition definition, bool indented = true) => SwarmWriter.Write(definition, indented);

    /// <summary>
    /// The identity of a definition: SHA-256 of its compact canonical form as 64 lower-case hex digits. White space, the
    /// order of the definition's keys and defaults that are spelled out do not change it.
    /// </summary>
    public static string HashOf(SwarmDefinition definition) =>
        Convert.ToHexStringLower(SHA256.HashData(SwarmWriter.Write(definition, indented: false)));

    /// <summary>Validates a definition that was made in C#, by the rules of <see cref="Parse"/>.</summary>
    /// <returns>The same definition, normalized.</returns>
    /// <exception cref="InvalidSwarmException">It is not valid; the message lists every problem with its JSON path.</exception>
    public static SwarmDefinition Validate(SwarmDefinition definition) => Parse(SwarmWriter.Write(definition, indented: false));
}

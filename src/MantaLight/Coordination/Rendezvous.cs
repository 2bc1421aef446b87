using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace MantaLight.Coordination;

/// <summary>Order without a vote: every member computes the same rank of every node from names alone.</summary>
internal static class Rendezvous
{
    /// <summary>A number that depends on the texts alone, evenly spread.</summary>
    public static ulong Hash(params ReadOnlySpan<string> texts)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> length = stackalloc byte[4];
        foreach (var text in texts)
        {
            var bytes = Encoding.UTF8.GetBytes(text);
            // Length first, so that ("ab", "c") and ("a", "bc") differ.
            BinaryPrimitives.WriteInt32LittleEndian(length, bytes.Length);
            hash.AppendData(length);
            hash.AppendData(bytes);
        }
        Span<byte> digest = stackalloc byte[32];
        hash.GetHashAndReset(digest);
        return BinaryPrimitives.ReadUInt64LittleEndian(digest);
    }

    /// <summary>The nodes, the first choice for <paramref name="key"/> first.</summary>
    public static IEnumerable<string> Order(string key, IEnumerable<string> nodes) =>
        nodes.OrderByDescending(node => Hash(key, node)).ThenBy(node => node, StringComparer.Ordinal);

    /// <summary>The place of <paramref name="node"/> in the order, from 0; behind the last where it is not among them.</summary>
    public static int Rank(string key, string node, IReadOnlyCollection<string> nodes)
    {
        var rank = 0;
        foreach (var other in Order(key, nodes))
        {
            if (other == node)
                return rank;
            rank++;
        }
        return rank;
    }
}

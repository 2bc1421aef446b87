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
        var most = 0;
        foreach (var text in texts)
            most += sizeof(int) + Encoding.UTF8.GetMaxByteCount(text.Length);
        // Asked for each node of a swarm in each round.
        var bytes = most <= 1024 ? stackalloc byte[1024] : new byte[most];
        var at = 0;
        foreach (var text in texts)
        {
            var length = Encoding.UTF8.GetBytes(text, bytes[(at + sizeof(int))..]);
            // Length first, so that ("ab", "c") and ("a", "bc") differ.
            BinaryPrimitives.WriteInt32LittleEndian(bytes[at..], length);
            at += sizeof(int) + length;
        }
        Span<byte> digest = stackalloc byte[32];
        SHA256.HashData(bytes[..at], digest);
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

using System.Buffers.Binary;

namespace MantaLight.Protocol;

/// <summary>A set of nodes in few bytes: four for each, whatever it is called. Who knows the names finds out which are among them.</summary>
public static class NodeKeys
{
    private const int Size = sizeof(uint);

    /// <summary>The key of a node: 32-bit FNV-1a of its id.</summary>
    public static uint Of(string node)
    {
        var key = 2166136261u;
        foreach (var letter in node)
            key = (key ^ (byte)letter) * 16777619u;
        return key;
    }

    /// <summary>Keys as they are written: big-endian, ascending, as base64.</summary>
    public static string Write(IEnumerable<uint> keys)
    {
        uint[] ordered = [.. keys.Order()];
        var bytes = new byte[ordered.Length * Size];
        for (var i = 0; i < ordered.Length; i++)
            BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(i * Size), ordered[i]);
        return Convert.ToBase64String(bytes);
    }

    /// <summary>Reads them back; null where the text is none.</summary>
    public static IReadOnlySet<uint>? Read(string? text)
    {
        var bytes = new byte[(text?.Length ?? 0) / 4 * 3];
        if (text is null || !Convert.TryFromBase64String(text, bytes, out var length) || length % Size != 0)
            return null;
        var keys = new HashSet<uint>(length / Size);
        for (var i = 0; i < length; i += Size)
            keys.Add(BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(i)));
        return keys;
    }
}

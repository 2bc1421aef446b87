using System.Runtime.InteropServices;

namespace MantaLight.Weights;

/// <summary>The checksum of ZIP members, which the runtime's reader does not compare; eight bytes at a time.</summary>
internal static class Crc32
{
    private const uint Polynomial = 0xEDB88320;
    private const int Slices = 8;

    private static readonly uint[] Table = MakeTable();

    /// <summary>The checksum of <paramref name="data"/> after data whose checksum is <paramref name="previous"/>.</summary>
    public static uint Of(ReadOnlySpan<byte> data, uint previous = 0)
    {
        var table = Table.AsSpan();
        var crc = ~previous;
        var words = MemoryMarshal.Cast<byte, ulong>(data);
        foreach (var word in words)
        {
            var low = (uint)word ^ crc;
            var high = (uint)(word >> 32);
            crc = table[(int)(1792 + (low & 0xFF))]
                ^ table[(int)(1536 + ((low >> 8) & 0xFF))]
                ^ table[(int)(1280 + ((low >> 16) & 0xFF))]
                ^ table[(int)(1024 + (low >> 24))]
                ^ table[(int)(768 + (high & 0xFF))]
                ^ table[(int)(512 + ((high >> 8) & 0xFF))]
                ^ table[(int)(256 + ((high >> 16) & 0xFF))]
                ^ table[(int)(high >> 24)];
        }
        foreach (var value in data[(words.Length * sizeof(ulong))..])
            crc = (crc >> 8) ^ table[(int)((crc ^ value) & 0xFF)];
        return ~crc;
    }

    private static uint[] MakeTable()
    {
        var table = new uint[Slices * 256];
        for (uint i = 0; i < 256; i++)
        {
            var crc = i;
            for (var bit = 0; bit < 8; bit++)
                crc = (crc >> 1) ^ ((crc & 1) * Polynomial);
            table[i] = crc;
        }
        for (var i = 256; i < table.Length; i++)
            table[i] = (table[i - 256] >> 8) ^ table[table[i - 256] & 0xFF];
        return table;
    }
}

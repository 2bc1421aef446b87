using System.Runtime.InteropServices;
using MantaLight.Aggregation.Blocks;

namespace MantaLight.Tests.Aggregation;

/// <summary>The lower median of float32, element by element: a rule that needs the elements of all contributions at once.</summary>
internal sealed class MedianRule : IBlockRule
{
    private int most;

    /// <summary>The most bytes of contributions that any thread has held.</summary>
    public int MostHeld => most;

    public object CreateScratch(int contributions, int elements) => new Scratch(new byte[contributions * elements * sizeof(float)], new float[contributions]);

    public bool TryCombine(in Block block, Span<byte> result, object scratch)
    {
        var (buffer, column) = (Scratch)scratch;
        InterlockedMax(ref most, buffer.Length);
        for (var i = 0; i < block.Contributions; i++)
            block.Read(i, buffer.AsSpan(i * block.Length)).CopyTo(buffer.AsSpan(i * block.Length));
        var values = MemoryMarshal.Cast<byte, float>(buffer.AsSpan());
        var medians = MemoryMarshal.Cast<byte, float>(result);
        for (var element = 0; element < block.Count; element++)
        {
            for (var i = 0; i < block.Contributions; i++)
                column[i] = values[(i * block.Count) + element];
            System.Array.Sort(column);
            medians[element] = column[(block.Contributions - 1) / 2];
        }
        return true;
    }

    private static void InterlockedMax(ref int target, int value)
    {
        for (var seen = Volatile.Read(ref target); seen < value; seen = Volatile.Read(ref target))
            Interlocked.CompareExchange(ref target, value, seen);
    }

    private sealed record Scratch(byte[] Buffer, float[] Column);
}

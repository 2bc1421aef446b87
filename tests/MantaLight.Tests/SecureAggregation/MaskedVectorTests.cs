using System.Buffers.Binary;
using System.Numerics;
using MantaLight.SecureAggregation;

namespace MantaLight.Tests.SecureAggregation;

/// <summary>What leaves a node looks like random numbers, whatever went in: simple tests, each at five deviations or a probability of less than 1e-6.</summary>
public sealed class MaskedVectorTests
{
    private const int Length = 1 << 16;

    [Theory]
    [InlineData(16, false)]
    [InlineData(32, false)]
    [InlineData(64, true)]
    public async Task A_masked_vector_passes_simple_tests_of_randomness(int bits, bool isConstant)
    {
        var history = new SecureHistory(4, new SecureOptions { Bits = bits }, 1, _ => SecureHistory.Steps, new FastAgreement(), Length);
        // The least random that can be added: zeros, or the same number everywhere.
        foreach (var input in history.Inputs)
            input.AsSpan().Fill(isConstant ? (byte)1 : (byte)0);
        await history.MaskAsync();
        byte[][] seen = [.. history.Masked.Values, Sum(history, bits), Difference(history, bits)];
        foreach (var bytes in seen)
        {
            IsBalanced(bytes);
            IsEvenOverBytes(bytes);
            HasRunsAsCoinsHave(bytes);
            IsNotLikeItsNeighbour(bytes);
        }
    }

    // The sum of all but one, which an aggregator could make: it is masked as well.
    private static byte[] Sum(SecureHistory history, int bits)
    {
        var sum = new byte[Length * bits / 8];
        foreach (var masked in history.Masked.Values.Skip(1))
            Ring.Add(sum, masked, bits);
        return sum;
    }

    private static byte[] Difference(SecureHistory history, int bits)
    {
        var difference = history.Masked["node_000"].ToArray();
        Ring.Add(difference, history.Masked["node_001"], bits, isNegative: true);
        return difference;
    }

    // Monobit: NIST SP 800-22, 2.1.
    private static void IsBalanced(byte[] bytes)
    {
        var ones = bytes.Sum(b => (long)BitOperations.PopCount(b));
        var n = bytes.Length * 8.0;
        Assert.InRange((ones - (n / 2)) / (Math.Sqrt(n) / 2), -5, 5);
    }

    // Chi squared of 255 degrees of freedom, by its normal approximation.
    private static void IsEvenOverBytes(byte[] bytes)
    {
        var expected = bytes.Length / 256.0;
        var square = bytes.GroupBy(b => b).Sum(g => Math.Pow(g.Count() - expected, 2) / expected) + ((256 - bytes.Distinct().Count()) * expected);
        Assert.InRange((square - 255) / Math.Sqrt(2 * 255), -5, 5.5);
    }

    // NIST SP 800-22, 2.3.
    private static void HasRunsAsCoinsHave(byte[] bytes)
    {
        long changes = 0;
        for (var i = 0; i < bytes.Length; i++)
            changes += BitOperations.PopCount((uint)((bytes[i] ^ (bytes[i] >> 1)) & 0x7F)) + (i > 0 && (bytes[i - 1] >> 7) != (bytes[i] & 1) ? 1 : 0);
        var n = (bytes.Length * 8.0) - 1;
        Assert.InRange((changes - (n / 2)) / (Math.Sqrt(n) / 2), -5, 5);
    }

    private static void IsNotLikeItsNeighbour(byte[] bytes)
    {
        double[] words = [.. Enumerable.Range(0, bytes.Length / 4).Select(i => BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(i * 4)) / (double)(1L << 31))];
        var correlation = words.Zip(words.Skip(1), (a, b) => a * b).Sum() / words.Sum(w => w * w);
        Assert.InRange(correlation * Math.Sqrt(words.Length), -5, 5);
    }
}

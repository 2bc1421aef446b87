using System.Buffers;
using System.Buffers.Binary;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace MantaLight.SecureAggregation;

/// <summary>
/// The pseudorandom numbers that a key stands for: AES-256 in counter mode (NIST SP 800-38A, 6.5), as numbers of a ring, little-endian. A key is used once, from counter 0.
/// </summary>
internal sealed class MaskStream : IDisposable
{
    private const int Block = 16;
    private const int Most = 64 * 1024;

    private readonly Aes aes;
    private readonly byte[] chunk;
    private readonly int size;
    private UInt128 counter;
    private int used;

    /// <param name="key">32 bytes.</param>
    /// <param name="length">About how many bytes will be asked for; any number can be.</param>
    /// <param name="counter">The first block's.</param>
    public MaskStream(ReadOnlySpan<byte> key, long length, UInt128 counter = default)
    {
        aes = Aes.Create();
        aes.SetKey(key);
        this.counter = counter;
        size = (int)Math.Clamp((length + Block - 1) / Block * Block, Block, Most);
        chunk = ArrayPool<byte>.Shared.Rent(size);
        used = size;
    }

    /// <summary>Adds the next numbers to a ring's, or takes them away.</summary>
    /// <param name="numbers">The ring's numbers, little-endian.</param>
    /// <param name="bits">Of each: 16, 32 or 64.</param>
    /// <param name="isNegative">Whether they are taken away.</param>
    public void Apply(Span<byte> numbers, int bits, bool isNegative)
    {
        while (!numbers.IsEmpty)
        {
            if (used == size)
                Refill();
            var some = Math.Min(numbers.Length, size - used);
            Ring.Add(numbers[..some], chunk.AsSpan(used, some), bits, isNegative);
            used += some;
            numbers = numbers[some..];
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        aes.Dispose();
        ArrayPool<byte>.Shared.Return(chunk, clearArray: true);
    }

    private void Refill()
    {
        var blocks = MemoryMarshal.Cast<byte, ulong>(chunk.AsSpan(0, size));
        for (var i = 0; i < blocks.Length; i += 2)
        {
            blocks[i] = BinaryPrimitives.ReverseEndianness((ulong)(counter >> 64));
            blocks[i + 1] = BinaryPrimitives.ReverseEndianness((ulong)counter);
            counter++;
        }
        aes.EncryptEcb(chunk.AsSpan(0, size), chunk.AsSpan(0, size), PaddingMode.None);
        used = 0;
    }
}

/// <summary>Numbers modulo 2^16, 2^32 or 2^64, as bytes, little-endian.</summary>
internal static class Ring
{
    /// <summary>Adds numbers to others, or takes them away.</summary>
    public static void Add(Span<byte> numbers, ReadOnlySpan<byte> others, int bits, bool isNegative = false)
    {
        switch (bits)
        {
            case 16:
                Add<ushort>(numbers, others, isNegative);
                break;
            case 32:
                Add<uint>(numbers, others, isNegative);
                break;
            case 64:
                Add<ulong>(numbers, others, isNegative);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(bits), bits, null);
        }
    }

    private static void Add<T>(Span<byte> numbers, ReadOnlySpan<byte> others, bool isNegative)
        where T : unmanaged, System.Numerics.IAdditionOperators<T, T, T>, System.Numerics.IAdditiveIdentity<T, T>, System.Numerics.ISubtractionOperators<T, T, T>
    {
        var x = MemoryMarshal.Cast<byte, T>(numbers);
        var y = MemoryMarshal.Cast<byte, T>(others);
        if (isNegative)
            TensorPrimitives.Subtract(x, y, x);
        else
            TensorPrimitives.Add(x, y, x);
    }
}

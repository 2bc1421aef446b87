using System.Buffers.Binary;

namespace MantaLight.SecureAggregation;

/// <summary>A number modulo the prime 2^256 - 189, the largest below 2^256: the field that secrets are shared over. No step depends on the number's value.</summary>
internal readonly struct Residue : IEquatable<Residue>
{
    /// <summary>The length of a number in bytes.</summary>
    public const int Length = 32;

    // 2^256 is 189 in this field.
    private const ulong Gap = 189;

    private readonly ulong a, b, c, d;

    private Residue(ulong a, ulong b, ulong c, ulong d) => (this.a, this.b, this.c, this.d) = (a, b, c, d);

    /// <summary>A small number.</summary>
    public static Residue Of(ulong value) => new(value, 0, 0, 0);

    /// <summary>Reads 32 bytes, little-endian.</summary>
    /// <returns>False where they are no number below the prime.</returns>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out Residue value)
    {
        value = new Residue(
            BinaryPrimitives.ReadUInt64LittleEndian(bytes), BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]),
            BinaryPrimitives.ReadUInt64LittleEndian(bytes[16..]), BinaryPrimitives.ReadUInt64LittleEndian(bytes[24..Length]));
        return Reduce(value.a, value.b, value.c, value.d).Equals(value);
    }

    /// <summary>Any number of the field, each as likely as the others.</summary>
    public static Residue Draw(SecretSource source)
    {
        Span<byte> bytes = stackalloc byte[Length];
        Residue drawn;
        do
        {
            source(bytes);
        }
        while (!TryRead(bytes, out drawn));
        return drawn;
    }

    /// <summary>Writes 32 bytes, little-endian.</summary>
    public void Write(Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, a);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[8..], b);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[16..], c);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[24..], d);
    }

    public static Residue operator +(in Residue x, in Residue y)
    {
        var sum = (UInt128)x.a + y.a;
        var a = (ulong)sum;
        sum = (sum >> 64) + x.b + y.b;
        var b = (ulong)sum;
        sum = (sum >> 64) + x.c + y.c;
        var c = (ulong)sum;
        sum = (sum >> 64) + x.d + y.d;
        return Fold(a, b, c, (ulong)sum, (ulong)(sum >> 64));
    }

    public static Residue operator *(in Residue x, ulong y)
    {
        var product = (UInt128)x.a * y;
        var a = (ulong)product;
        product = (product >> 64) + ((UInt128)x.b * y);
        var b = (ulong)product;
        product = (product >> 64) + ((UInt128)x.c * y);
        var c = (ulong)product;
        product = (product >> 64) + ((UInt128)x.d * y);
        return Fold(a, b, c, (ulong)product, (ulong)(product >> 64));
    }

    public static Residue operator *(in Residue x, in Residue y)
    {
        Span<ulong> limbs = stackalloc ulong[8];
        limbs.Clear();
        AddRow(limbs, x, y.a);
        AddRow(limbs[1..], x, y.b);
        AddRow(limbs[2..], x, y.c);
        AddRow(limbs[3..], x, y.d);
        // What is above 2^256 counts 189 times, below.
        var sum = ((UInt128)limbs[4] * Gap) + limbs[0];
        var a = (ulong)sum;
        sum = (sum >> 64) + ((UInt128)limbs[5] * Gap) + limbs[1];
        var b = (ulong)sum;
        sum = (sum >> 64) + ((UInt128)limbs[6] * Gap) + limbs[2];
        var c = (ulong)sum;
        sum = (sum >> 64) + ((UInt128)limbs[7] * Gap) + limbs[3];
        return Fold(a, b, c, (ulong)sum, (ulong)(sum >> 64));
    }

    public static Residue operator -(in Residue x)
    {
        // p - x, which is p itself for 0.
        var difference = (UInt128)(ulong.MaxValue - Gap + 1) - x.a;
        var a = (ulong)difference;
        difference = (UInt128)ulong.MaxValue - x.b - ((ulong)(difference >> 64) & 1);
        var b = (ulong)difference;
        difference = (UInt128)ulong.MaxValue - x.c - ((ulong)(difference >> 64) & 1);
        var c = (ulong)difference;
        difference = (UInt128)ulong.MaxValue - x.d - ((ulong)(difference >> 64) & 1);
        return Reduce(a, b, c, (ulong)difference);
    }

    public static Residue operator -(in Residue x, in Residue y) => x + -y;

    /// <summary>The number whose product with this one is 1; 0 for 0. By Fermat: x^(p - 2).</summary>
    public Residue Inverse()
    {
        var result = Of(1);
        Span<byte> exponent = stackalloc byte[Length];
        exponent.Fill(0xFF);
        // 2^256 - 191, little-endian.
        exponent[0] = unchecked((byte)-191);
        for (var bit = 255; bit >= 0; bit--)
        {
            result *= result;
            if ((exponent[bit / 8] >> (bit % 8) & 1) != 0)
                result *= this;
        }
        return result;
    }

    public bool Equals(Residue other) => ((a ^ other.a) | (b ^ other.b) | (c ^ other.c) | (d ^ other.d)) == 0;

    public override bool Equals(object? obj) => obj is Residue other && Equals(other);

    public override int GetHashCode() => HashCode.Combine(a, b, c, d);

    private static void AddRow(Span<ulong> limbs, in Residue x, ulong y)
    {
        var sum = ((UInt128)x.a * y) + limbs[0];
        limbs[0] = (ulong)sum;
        sum = (sum >> 64) + ((UInt128)x.b * y) + limbs[1];
        limbs[1] = (ulong)sum;
        sum = (sum >> 64) + ((UInt128)x.c * y) + limbs[2];
        limbs[2] = (ulong)sum;
        sum = (sum >> 64) + ((UInt128)x.d * y) + limbs[3];
        limbs[3] = (ulong)sum;
        limbs[4] = (ulong)(sum >> 64);
    }

    private static Residue Fold(ulong a, ulong b, ulong c, ulong d, ulong above)
    {
        var sum = ((UInt128)above * Gap) + a;
        a = (ulong)sum;
        sum = (sum >> 64) + b;
        b = (ulong)sum;
        sum = (sum >> 64) + c;
        c = (ulong)sum;
        sum = (sum >> 64) + d;
        d = (ulong)sum;
        // At most once more, and then it is a small number.
        return Reduce(a + ((ulong)(sum >> 64) * Gap), b, c, d);
    }

    /// <summary>Takes the prime away once, where it can be.</summary>
    private static Residue Reduce(ulong a, ulong b, ulong c, ulong d)
    {
        var sum = (UInt128)a + Gap;
        var a1 = (ulong)sum;
        sum = (sum >> 64) + b;
        var b1 = (ulong)sum;
        sum = (sum >> 64) + c;
        var c1 = (ulong)sum;
        sum = (sum >> 64) + d;
        var mask = 0UL - (ulong)(sum >> 64);
        return new Residue((a1 & mask) | (a & ~mask), (b1 & mask) | (b & ~mask), (c1 & mask) | (c & ~mask), ((ulong)sum & mask) | (d & ~mask));
    }
}

/// <summary>Fills with bytes that nobody else can know: the system's generator, or a seeded one in tests.</summary>
internal delegate void SecretSource(Span<byte> bytes);

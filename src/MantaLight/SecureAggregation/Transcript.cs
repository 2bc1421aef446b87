using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace MantaLight.SecureAggregation;

/// <summary>Fields one after the other, each with its length before it: no two lists of fields have the same bytes.</summary>
internal sealed class Transcript
{
    private readonly ArrayBufferWriter<byte> bytes = new();

    /// <param name="what">What the fields are of, so that bytes of one kind are never taken for another's.</param>
    public Transcript(string what) => Add($"mantalight.secure/1 {what}");

    public Transcript Add(ReadOnlySpan<byte> field)
    {
        Span<byte> length = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(length, field.Length);
        bytes.Write(length);
        bytes.Write(field);
        return this;
    }

    public Transcript Add(string field) => Add(Encoding.UTF8.GetBytes(field));

    public Transcript Add(int field)
    {
        Span<byte> number = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(number, field);
        return Add(number);
    }

    public byte[] ToBytes() => bytes.WrittenSpan.ToArray();

    public byte[] Hash() => SHA256.HashData(bytes.WrittenSpan);

    /// <summary>A key for this purpose alone (HKDF-SHA256, RFC 5869, with these fields as its info).</summary>
    public byte[] Key(ReadOnlySpan<byte> secret)
    {
        var key = new byte[32];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, secret, key, default, bytes.WrittenSpan);
        return key;
    }
}

/// <summary>One round of one swarm's run, and the terms that all must have alike: every key, signature and ciphertext is bound to it.</summary>
internal sealed record SecureRound(string Swarm, string Run, int Round, SecureOptions Options)
{
    /// <summary>A hash of all of it.</summary>
    public byte[] Hash { get; } = new Transcript("round").Add(Swarm).Add(Run).Add(Round).Add(Options.Terms).Hash();
}

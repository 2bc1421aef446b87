using System.Security.Cryptography;

namespace MantaLight.SecureAggregation;

/// <summary>A node's public keys of one round, signed by its identity.</summary>
/// <param name="Node">Its id.</param>
/// <param name="Cipher">For what is told to it alone (c in Bonawitz et al. 2017).</param>
/// <param name="Mask">For the masks that it shares with others (s).</param>
/// <param name="Commitment">A hash of the seed of its own mask (b), by which wrong shares are found.</param>
/// <param name="Identity">The public key of its identity.</param>
/// <param name="Signature">Over all of it, and the round.</param>
internal sealed record PublicKeys(string Node, byte[] Cipher, byte[] Mask, byte[] Commitment, byte[] Identity, byte[] Signature)
{
    private const int Lengths = (4 * Agreement.KeyLength) + Agreement.SignatureLength;

    /// <summary>As text: 256 characters.</summary>
    public string ToText() => Convert.ToBase64String([.. Cipher, .. Mask, .. Commitment, .. Identity, .. Signature]);

    /// <summary>Reads what a node has told; null where it is nothing such.</summary>
    public static PublicKeys? Read(string node, string? text)
    {
        var bytes = new byte[Lengths];
        if (text is null || text.Length > 2 * Lengths || !Convert.TryFromBase64String(text, bytes, out var length) || length != Lengths)
            return null;
        return new PublicKeys(node, bytes[..32], bytes[32..64], bytes[64..96], bytes[96..128], bytes[128..]);
    }

    /// <summary>What is signed.</summary>
    public byte[] Signed(SecureRound round) => new Transcript("keys").Add(round.Hash).Add(Node).Add(Cipher).Add(Mask).Add(Commitment).ToBytes();
}

/// <summary>A node's secrets of one round.</summary>
/// <param name="Cipher">The secret of its cipher key.</param>
/// <param name="Mask">The secret of its mask key: a number of the field, so that it can be shared.</param>
/// <param name="Own">The seed of its own mask: likewise.</param>
internal sealed record OwnSecrets(byte[] Cipher, byte[] Mask, byte[] Own)
{
    public static byte[] Draw(SecretSource source)
    {
        var bytes = new byte[3 * Residue.Length];
        source(bytes.AsSpan(0, Residue.Length));
        Residue.Draw(source).Write(bytes.AsSpan(Residue.Length));
        Residue.Draw(source).Write(bytes.AsSpan(2 * Residue.Length));
        return bytes;
    }

    public static OwnSecrets Read(byte[] bytes) => new(bytes[..32], bytes[32..64], bytes[64..96]);

    /// <summary>The public side, signed.</summary>
    public PublicKeys Describe(SecureRound round, string node, byte[] identity, Agreement agreement)
    {
        var keys = new PublicKeys(node, agreement.PublicOf(Cipher), agreement.PublicOf(Mask), CommitmentOf(round, Own), agreement.IdentityOf(identity), []);
        return keys with { Signature = agreement.Sign(identity, keys.Signed(round)) };
    }

    /// <summary>Seeds are numbers of 256 random bits: their hash tells nothing of them.</summary>
    public static byte[] CommitmentOf(SecureRound round, ReadOnlySpan<byte> own) => new Transcript("own mask").Add(round.Hash).Add(own).Hash();
}

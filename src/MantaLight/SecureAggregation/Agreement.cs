using Org.BouncyCastle.Math.EC.Rfc7748;
using Org.BouncyCastle.Math.EC.Rfc8032;

namespace MantaLight.SecureAggregation;

/// <summary>X25519 (RFC 7748) and Ed25519 (RFC 8032), by Bouncy Castle: .NET 10 has neither.</summary>
internal class Agreement
{
    /// <summary>The length of a key, secret or public.</summary>
    public const int KeyLength = 32;

    /// <summary>The length of a signature.</summary>
    public const int SignatureLength = 64;

    /// <summary>What two nodes have in common and nobody else knows; null where the other's key is none that anything can be agreed on.</summary>
    /// <param name="secret">Own.</param>
    /// <param name="other">The other's public key.</param>
    public virtual byte[]? Agree(byte[] secret, byte[] other)
    {
        var common = new byte[KeyLength];
        return X25519.CalculateAgreement(secret, 0, other, 0, common, 0) ? common : null;
    }

    /// <summary>The public key of an agreement's secret.</summary>
    public virtual byte[] PublicOf(byte[] secret)
    {
        var key = new byte[KeyLength];
        X25519.GeneratePublicKey(secret, 0, key, 0);
        return key;
    }

    /// <summary>The public key of a signer's seed.</summary>
    public virtual byte[] IdentityOf(byte[] seed)
    {
        var key = new byte[KeyLength];
        Ed25519.GeneratePublicKey(seed, 0, key, 0);
        return key;
    }

    /// <summary>Signs.</summary>
    public virtual byte[] Sign(byte[] seed, byte[] message)
    {
        var signature = new byte[SignatureLength];
        Ed25519.Sign(seed, 0, message, 0, message.Length, signature, 0);
        return signature;
    }

    /// <summary>Whether the holder of that key has signed it.</summary>
    public virtual bool Verify(byte[] identity, byte[] message, byte[] signature)
    {
        try
        {
            return Ed25519.Verify(signature, 0, identity, 0, message, 0, message.Length);
        }
        catch (ArgumentException)
        {
            return false;
        }
    }
}

using System.Collections.Concurrent;
using System.Security.Cryptography;
using MantaLight.SecureAggregation;

namespace MantaLight.Tests.SecureAggregation;

/// <summary>X25519 whose results are remembered, since histories share their keys, and signatures that are quick: HMACs that this process alone can check. Real signatures have tests of their own.</summary>
internal sealed class FastAgreement : Agreement
{
    private readonly ConcurrentDictionary<(string, string), byte[]> agreed = new();
    private readonly ConcurrentDictionary<string, byte[]> known = new();
    private readonly ConcurrentDictionary<string, byte[]> seeds = new();

    public override byte[]? Agree(byte[] secret, byte[] other) => agreed.GetOrAdd((Convert.ToHexString(secret), Convert.ToHexString(other)), _ => base.Agree(secret, other)!);

    public override byte[] PublicOf(byte[] secret) => known.GetOrAdd(Convert.ToHexString(secret), _ => base.PublicOf(secret));

    public override byte[] IdentityOf(byte[] seed)
    {
        var identity = SHA256.HashData(seed);
        seeds[Convert.ToHexString(identity)] = seed;
        return identity;
    }

    public override byte[] Sign(byte[] seed, byte[] message) => [.. HMACSHA256.HashData(seed, message), .. new byte[32]];

    public override bool Verify(byte[] identity, byte[] message, byte[] signature) =>
        seeds.TryGetValue(Convert.ToHexString(identity), out var seed) && Sign(seed, message).AsSpan().SequenceEqual(signature);
}

using System.Numerics;
using System.Security.Cryptography;
using CsCheck;
using MantaLight.SecureAggregation;

namespace MantaLight.Tests.SecureAggregation;

/// <summary>The arithmetic and the generators beneath, against big integers and published vectors.</summary>
public sealed class PrimitiveTests
{
    private static readonly BigInteger Prime = (BigInteger.One << 256) - 189;

    private static readonly Gen<BigInteger> Numbers = Gen.OneOf(
        Gen.Byte.Array[32].Select(b => new BigInteger(b, isUnsigned: true) % Prime),
        Gen.Int[0, 400].Select(i => new BigInteger(i)),
        Gen.Int[1, 400].Select(i => Prime - i));

    [Fact]
    public void The_field_adds_and_multiplies_as_big_integers_do() => Gen.Select(Numbers, Numbers, Gen.ULong).Sample((x, y, small) =>
    {
        Assert.Equal((x + y) % Prime, Big(Of(x) + Of(y)));
        Assert.Equal((x - y + Prime) % Prime, Big(Of(x) - Of(y)));
        Assert.Equal(x * y % Prime, Big(Of(x) * Of(y)));
        Assert.Equal(x * small % Prime, Big(Of(x) * small));
    });

    [Fact]
    public void An_inverse_times_its_number_is_one() => Numbers.Where(x => !x.IsZero).Sample(x => Big(Of(x) * Of(x).Inverse()).IsOne, iter: 50);

    [Fact]
    public void What_is_not_below_the_prime_is_no_number()
    {
        var bytes = new byte[Residue.Length];
        bytes.AsSpan().Fill(0xFF);
        // 2^256 - 189 itself, and the number before it.
        bytes[0] = unchecked((byte)-189);
        Assert.False(Residue.TryRead(bytes, out _));
        bytes[0]--;
        Assert.True(Residue.TryRead(bytes, out var last));
        Assert.Equal(Prime - 1, Big(last));
    }

    [Fact]
    public void Any_t_shares_give_the_secret_back() => Gen.Select(Gen.Int[1, 12], Gen.Int[0, 8], Gen.Int).Sample((threshold, more, seed) =>
    {
        var random = new Random(seed);
        var secret = Residue.Draw(random.NextBytes);
        int[] points = [.. Enumerable.Range(1, 400).OrderBy(_ => random.Next()).Take(threshold + more)];
        var shares = Shamir.Split(secret, threshold, points, random.NextBytes);
        int[] chosen = [.. Enumerable.Range(0, points.Length).OrderBy(_ => random.Next()).Take(threshold)];
        Assert.Equal(secret, Shamir.Recover(Shamir.WeightsOf([.. chosen.Select(c => points[c])]), [.. chosen.Select(c => shares[c])]));
    }, iter: 60);

    [Fact]
    public void With_one_share_less_every_value_of_the_secret_is_equally_possible()
    {
        var random = new Random(7);
        int[] points = [1, 2, 3, 4, 5, 6];
        var shares = Shamir.Split(Residue.Of(42), 4, points, random.NextBytes);
        int[] known = [2, 3, 5];
        foreach (var candidate in Enumerable.Range(0, 50).Select(_ => Residue.Draw(random.NextBytes)).Append(Residue.Of(42)).Append(Residue.Of(0)))
        {
            // Exactly one fourth share goes with each secret, and with the three that are known: s = Σ w y, so y4 = (s - Σ known) / w4.
            var weights = Shamir.WeightsOf([.. known, 6]);
            var fourth = (candidate - Shamir.Recover(weights.AsSpan(0, 3), [.. known.Select(k => shares[k - 1])])) * weights[3].Inverse();
            Assert.Equal(candidate, Shamir.Recover(weights, [.. known.Select(k => shares[k - 1]), fourth]));
            Assert.Equal(candidate.Equals(Residue.Of(42)), fourth.Equals(shares[5]));
        }
    }

    // NIST SP 800-38A, F.5.5: the key stream is plain text XOR cipher text.
    [Fact]
    public void Masks_are_AES_in_counter_mode()
    {
        var plain = Convert.FromHexString("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710");
        var cipher = Convert.FromHexString("601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c52b0930daa23de94ce87017ba2d84988ddfc9c58db67aada613c2dd08457941a6");
        var counter = new UInt128(0xf0f1f2f3f4f5f6f7, 0xf8f9fafbfcfdfeff);
        using var stream = new MaskStream(Convert.FromHexString("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4"), 48, counter);
        var numbers = new byte[64];
        stream.Apply(numbers.AsSpan(0, 40), 64, isNegative: false);
        stream.Apply(numbers.AsSpan(40), 16, isNegative: false);
        Assert.Equal(plain.Zip(cipher, (p, c) => (byte)(p ^ c)), numbers);
    }

    [Theory]
    [InlineData(16)]
    [InlineData(32)]
    [InlineData(64)]
    public void A_mask_that_is_added_and_taken_away_leaves_nothing(int bits)
    {
        var numbers = RandomNumberGenerator.GetBytes(200_000);
        var masked = numbers.ToArray();
        var key = RandomNumberGenerator.GetBytes(32);
        using (var stream = new MaskStream(key, masked.Length))
            stream.Apply(masked, bits, isNegative: false);
        Assert.NotEqual(numbers, masked);
        using (var stream = new MaskStream(key, 64))
            stream.Apply(masked, bits, isNegative: true);
        Assert.Equal(numbers, masked);
    }

    // RFC 7748, 6.1.
    [Fact]
    public void Two_come_to_the_same_by_X25519()
    {
        var agreement = new Agreement();
        var bob = Convert.FromHexString("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
        Assert.Equal("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f", Convert.ToHexStringLower(agreement.PublicOf(bob)));
        var alice = Convert.FromHexString("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
        Assert.Equal("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742", Convert.ToHexStringLower(agreement.Agree(bob, alice)!));
        // A point of small order: nothing that is secret comes of it.
        Assert.Null(agreement.Agree(bob, new byte[32]));
    }

    // RFC 8032, 7.1, test 1.
    [Fact]
    public void Signatures_are_those_of_Ed25519()
    {
        var agreement = new Agreement();
        var seed = Convert.FromHexString("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
        var identity = agreement.IdentityOf(seed);
        Assert.Equal("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", Convert.ToHexStringLower(identity));
        var signature = agreement.Sign(seed, []);
        Assert.Equal("e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b", Convert.ToHexStringLower(signature));
        Assert.True(agreement.Verify(identity, [], signature));
        Assert.False(agreement.Verify(identity, [1], signature));
        Assert.False(agreement.Verify(new byte[32], [], signature));
    }

    private static Residue Of(BigInteger value)
    {
        var bytes = new byte[Residue.Length];
        value.TryWriteBytes(bytes, out _, isUnsigned: true);
        Assert.True(Residue.TryRead(bytes, out var residue));
        return residue;
    }

    private static BigInteger Big(Residue residue)
    {
        var bytes = new byte[Residue.Length];
        residue.Write(bytes);
        return new BigInteger(bytes, isUnsigned: true);
    }
}

using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace MantaLight.SecureAggregation;

/// <summary>
/// A node's side of secure aggregation (Bonawitz et al. 2017, "Practical Secure Aggregation for Privacy-Preserving Machine Learning", Figure 4, with the consistency check; over a sparse graph as in Bell et al. 2020):
/// advertise keys, share secrets, mask, agree on the survivors, reveal. Each step rests on what the vault has of those before, never on what is told again.
/// </summary>
/// <param name="round">The round.</param>
/// <param name="node">This node.</param>
/// <param name="vault">Its secrets.</param>
/// <param name="agreement">Key agreement and signatures.</param>
/// <param name="source">Of secrets.</param>
/// <param name="firstSeen">Told of a node whose identity was seen for the first time.</param>
internal sealed class Participant(SecureRound round, string node, SecretVault vault, Agreement agreement, SecretSource source, Action<string>? firstSeen = null)
{
    private const string Keys = "keys";
    private const string Members = "roster";
    private const string Shared = "shared";
    private const string Received = "received";
    private const string Masked = "masked";
    private const string Survivors = "survivors";

    private const int PairLength = 2 * Residue.Length;

    private Roster? roster;

    /// <summary>Step 0: this node's public keys.</summary>
    public PublicKeys Advertise() => OwnSecrets.Read(vault.GetOrAdd(round, Keys, () => OwnSecrets.Draw(source))).Describe(round, node, vault.Identity, agreement);

    /// <summary>Step 1: shares of this node's secrets, for each of its holders alone.</summary>
    /// <param name="told">What each node has advertised.</param>
    /// <returns>For the nodes, by the coordinator; null where this node has told no keys.</returns>
    /// <exception cref="TaskContractException">There are too few, another stands in for a known node, or this node was told others before.</exception>
    public byte[]? Share(IEnumerable<(string Node, string? Keys)> told)
    {
        if (vault.Find(round, Keys) is not { } kept)
            return null;
        var now = Roster.Of(round, told, agreement);
        if (now.PlaceOf(node) is not { } own)
            return null;
        if (!Same(now.Members[own].Mask, agreement.PublicOf(OwnSecrets.Read(kept).Mask)))
            throw new TaskContractException($"Somebody has told other keys for {node} than its own: nothing is shared.");
        foreach (var member in now.Members)
        {
            var (identity, isNew) = vault.Pin(member.Node, member.Identity);
            if (!Same(identity, member.Identity))
                throw new TaskContractException($"Node {member.Node} has another identity than when it was first seen here: its keys may be somebody else's, and nothing is shared. Where it was set up anew, delete secrets/pin.{member.Node} in this node's folder.");
            if (isNew && member.Node != node)
                firstSeen?.Invoke(member.Node);
        }
        roster = Roster.Read(round, Encoding.UTF8.GetString(vault.GetOrAdd(round, Members, () => Encoding.UTF8.GetBytes(now.ToText()))));
        if (!Same(roster.Hash, now.Hash))
            throw new TaskContractException("This node was told other keys of this round before: it shares nothing twice.");
        return vault.GetOrAdd(round, Shared, () => Encrypt(roster, own, OwnSecrets.Read(kept)));
    }

    /// <summary>Step 2, before anything is masked: takes the shares of those who have shared, and notes who they are.</summary>
    /// <param name="told">By node, for each that has shared: what it has told, or null where that cannot be had; read only of neighbours.</param>
    /// <exception cref="TaskContractException">This node takes no part in the round, or too few do.</exception>
    public async Task ReceiveAsync(IReadOnlyDictionary<string, Func<Task<byte[]?>>> told)
    {
        var (all, own) = Known();
        if (vault.Find(round, Received) is not null)
            return;
        var received = new byte[all.Members.Count + (all.Members.Count * PairLength)];
        var secrets = OwnSecrets.Read(vault.Find(round, Keys)!);
        foreach (var member in told.Keys)
        {
            if (all.PlaceOf(member) is { } place)
                received[place] = 1;
        }
        if (received[own] == 0)
            throw new TaskContractException($"Node {node} takes no part in this round: it has not shared its secrets in time.");
        var count = 0;
        foreach (var holder in all.HoldersOf(own).Where(h => received[h] != 0))
        {
            var room = received.AsMemory(all.Members.Count + (holder * PairLength), PairLength);
            if (await told[all.Members[holder].Node]() is { } bytes && Decrypt(all, own, holder, secrets, bytes) is { } pair)
            {
                pair.CopyTo(room);
                received[holder] = 2;
                count++;
            }
        }
        if (count < round.Options.ThresholdOf(all.HoldersOf(own).Length) || received.Take(all.Members.Count).Count(r => r != 0) < all.Threshold)
            throw new TaskContractException($"Too few nodes have shared their secrets: {count} of this node's {all.HoldersOf(own).Length} holders, {received.Take(all.Members.Count).Count(r => r != 0)} of {all.Members.Count} in all, where {round.Options.ThresholdOf(all.HoldersOf(own).Length)} and {all.Threshold} are needed.");
        vault.GetOrAdd(round, Received, () => received);
    }

    /// <summary>How many may contribute, after <see cref="ReceiveAsync"/>.</summary>
    public int Contributors
    {
        get
        {
            var (all, _) = Known();
            return Sharers(all).Count(s => s);
        }
    }

    /// <summary>
    /// Step 2: masks numbers: y = x + PRG(b) + Σ ±PRG(s_uv) over neighbours that have shared. What has been masked once is not masked again where it is another: the difference of the two would be plain to see.
    /// </summary>
    /// <param name="numbers">Of the ring, little-endian, with the bits of each; masked in place, in this order.</param>
    public void Mask(IReadOnlyList<(Memory<byte> Numbers, int Bits)> numbers)
    {
        var (all, own) = Known();
        var sharers = Sharers(all);
        var transcript = new Transcript("masked").Add(all.Hash);
        foreach (var (some, bits) in numbers)
            transcript.Add(bits).Add(SHA256.HashData(some.Span));
        var digest = transcript.Hash();
        if (!Same(vault.GetOrAdd(round, Masked, () => digest), digest))
            throw new TaskContractException("This node has masked other weights in this round before: two under the same masks would tell their difference.");
        var secrets = OwnSecrets.Read(vault.Find(round, Keys)!);
        Apply(numbers, all.OwnKey(secrets.Own, own), isNegative: false);
        foreach (var other in all.HoldersOf(own).Where(h => h != own && sharers[h]))
        {
            var key = all.MaskKey(secrets.Mask, own, other, agreement) ?? throw new TaskContractException($"The keys of {all.Members[other].Node} are no keys.");
            Apply(numbers, key, Roster.Subtracts(own, other));
        }
    }

    /// <summary>Step 3: agrees that these are the survivors, and no others.</summary>
    /// <param name="survivors">Whose contributions are in the sum.</param>
    /// <returns>The signature; null where this node is none of them.</returns>
    /// <exception cref="TaskContractException">They are too few, one of them cannot be, or others were told before.</exception>
    public byte[]? Consent(IReadOnlyList<string> survivors)
    {
        if (vault.Find(round, Received) is null || !survivors.Contains(node, StringComparer.Ordinal))
            return null;
        var (all, _) = Known();
        var list = Check(all, survivors);
        Fix(list);
        return agreement.Sign(vault.Identity, Signed(all, list));
    }

    /// <summary>
    /// Step 4: what unmasks the sum of the survivors: of each neighbour a share of its own mask's seed where it is among them, and else of its mask key, never of both.
    /// </summary>
    /// <param name="survivors">As agreed on.</param>
    /// <param name="consents">The signatures, by node.</param>
    /// <returns>Shares, for the aggregator; null where this node has not agreed.</returns>
    /// <exception cref="TaskContractException">Too few have agreed on them.</exception>
    public byte[]? Reveal(IReadOnlyList<string> survivors, IEnumerable<KeyValuePair<string, byte[]>> consents)
    {
        if (vault.Find(round, Survivors) is null)
            return null;
        var (all, own) = Known();
        var list = Check(all, survivors);
        Fix(list);
        var signed = Signed(all, list);
        var places = Places(all, survivors);
        var agreed = consents.DistinctBy(c => c.Key).Count(c => all.PlaceOf(c.Key) is { } place && places.Contains(place)
            && c.Value.Length == Agreement.SignatureLength && agreement.Verify(all.Members[place].Identity, signed, c.Value));
        if (agreed < all.Threshold)
            throw new TaskContractException($"{agreed} of {all.Members.Count} nodes have signed these survivors where {all.Threshold} are needed: nothing is revealed.");
        var received = vault.Find(round, Received)!;
        using var shares = new MemoryStream();
        Span<byte> head = stackalloc byte[Revelation.HeadLength];
        foreach (var holder in all.HoldersOf(own).Where(h => received[h] == 2))
        {
            var isSurvivor = places.Contains(holder);
            // A node that was given up and is still here has no say in its own end.
            BinaryPrimitives.WriteInt32LittleEndian(head, holder);
            head[sizeof(int)] = isSurvivor ? (byte)0 : (byte)1;
            shares.Write(head);
            shares.Write(received.AsSpan(all.Members.Count + (holder * PairLength) + (isSurvivor ? 0 : Residue.Length), Residue.Length));
        }
        return shares.ToArray();
    }

    /// <summary>What the survivors sign.</summary>
    public static byte[] Signed(Roster roster, byte[] list) => new Transcript("survivors").Add(roster.Hash).Add(list).ToBytes();

    private (Roster Roster, int Own) Known()
    {
        roster ??= vault.Find(round, Members) is { } text ? Roster.Read(round, Encoding.UTF8.GetString(text)) : null;
        return roster?.PlaceOf(node) is { } own
            ? (roster, own)
            : throw new TaskContractException($"Node {node} takes no part in this round: it has not told its keys and shared its secrets in time.");
    }

    private bool[] Sharers(Roster all)
    {
        var received = vault.Find(round, Received) ?? throw new TaskContractException($"Node {node} takes no part in this round: it has received no shares.");
        return [.. received.Take(all.Members.Count).Select(r => r != 0)];
    }

    private void Fix(byte[] list)
    {
        if (!Same(vault.GetOrAdd(round, Survivors, () => list), list))
            throw new TaskContractException("This node was told other survivors of this round before: it agrees on one set alone, and reveals nothing.");
    }

    private byte[] Check(Roster all, IReadOnlyList<string> survivors)
    {
        var places = Places(all, survivors);
        var sharers = Sharers(all);
        if (places.Count != survivors.Count || places.Any(p => !sharers[p]))
            throw new TaskContractException("The survivors name a node twice, or one that has not shared its secrets: nothing is revealed.");
        if (places.Count < all.Threshold)
            throw new TaskContractException($"{places.Count} of {all.Members.Count} nodes are left where {all.Threshold} are needed: nothing is revealed.");
        return [.. Enumerable.Range(0, all.Members.Count).Select(p => places.Contains(p) ? (byte)1 : (byte)0)];
    }

    private static HashSet<int> Places(Roster all, IReadOnlyList<string> survivors) => [.. survivors.Select(s => all.PlaceOf(s) ?? -1).Where(p => p >= 0)];

    private byte[] Encrypt(Roster all, int own, OwnSecrets secrets)
    {
        var holders = all.HoldersOf(own);
        int[] points = [.. holders.Select(Roster.PointOf)];
        var threshold = round.Options.ThresholdOf(holders.Length);
        Residue.TryRead(secrets.Own, out var seed);
        Residue.TryRead(secrets.Mask, out var mask);
        var (seeds, masks) = (Shamir.Split(seed, threshold, points, source), Shamir.Split(mask, threshold, points, source));
        var told = new byte[holders.Length * ShareBox.Length];
        Span<byte> pair = stackalloc byte[PairLength];
        for (var i = 0; i < holders.Length; i++)
        {
            seeds[i].Write(pair);
            masks[i].Write(pair[Residue.Length..]);
            var key = holders[i] == own ? OwnCipher(all, secrets) : all.CipherKey(secrets.Cipher, own, holders[i], agreement)
                ?? throw new TaskContractException($"The keys of {all.Members[holders[i]].Node} are no keys.");
            ShareBox.Seal(key, own, holders[i], pair, told.AsSpan(i * ShareBox.Length, ShareBox.Length));
        }
        CryptographicOperations.ZeroMemory(pair);
        return told;
    }

    private byte[]? Decrypt(Roster all, int own, int sender, OwnSecrets secrets, byte[] told)
    {
        var holders = all.HoldersOf(sender);
        if (told.Length != holders.Length * ShareBox.Length)
            return null;
        var key = sender == own ? OwnCipher(all, secrets) : all.CipherKey(secrets.Cipher, own, sender, agreement);
        var pair = new byte[PairLength];
        return key is not null && ShareBox.Open(key, sender, own, told.AsSpan(Array.BinarySearch(holders, own) * ShareBox.Length, ShareBox.Length), pair) ? pair : null;
    }

    // A node's share of its own secrets travels with the others', so that nothing but the keys must be kept.
    private static byte[] OwnCipher(Roster all, OwnSecrets secrets) => new Transcript("own shares").Add(all.Hash).Key(secrets.Cipher);

    private static void Apply(IReadOnlyList<(Memory<byte> Numbers, int Bits)> numbers, byte[] key, bool isNegative)
    {
        using var stream = new MaskStream(key, numbers.Sum(n => (long)n.Numbers.Length));
        foreach (var (some, bits) in numbers)
            stream.Apply(some.Span, bits, isNegative);
    }

    private static bool Same(byte[] a, byte[] b) => CryptographicOperations.FixedTimeEquals(a, b);
}

/// <summary>Two shares for one holder, by AES-256-GCM. A pair's key serves once in each direction, which is the nonce.</summary>
internal static class ShareBox
{
    private const int Tag = 16;

    /// <summary>The length of what is told to a holder.</summary>
    public const int Length = (2 * Residue.Length) + Tag;

    public static void Seal(byte[] key, int from, int to, ReadOnlySpan<byte> pair, Span<byte> box)
    {
        using var cipher = new AesGcm(key, Tag);
        cipher.Encrypt(Nonce(from, to), pair, box[..^Tag], box[^Tag..]);
    }

    /// <summary>False where it is not what the other has sealed.</summary>
    public static bool Open(byte[] key, int from, int to, ReadOnlySpan<byte> box, Span<byte> pair)
    {
        using var cipher = new AesGcm(key, Tag);
        try
        {
            cipher.Decrypt(Nonce(from, to), box[..^Tag], box[^Tag..], pair);
            return true;
        }
        catch (AuthenticationTagMismatchException)
        {
            return false;
        }
    }

    private static byte[] Nonce(int from, int to)
    {
        var nonce = new byte[12];
        BinaryPrimitives.WriteInt32LittleEndian(nonce, from);
        BinaryPrimitives.WriteInt32LittleEndian(nonce.AsSpan(4), to);
        return nonce;
    }
}

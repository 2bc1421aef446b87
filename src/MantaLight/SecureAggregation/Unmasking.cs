using System.Buffers.Binary;
using System.Security.Cryptography;

namespace MantaLight.SecureAggregation;

/// <summary>
/// The aggregator's side: from the sum of masked contributions, and from what the survivors reveal, the sum of what was masked (Bonawitz et al. 2017, Figure 4, round 4). It learns nothing else, whatever it does.
/// </summary>
/// <param name="roster">Who took part.</param>
/// <param name="sharers">Who has shared its secrets, and so has masks with its neighbours.</param>
/// <param name="survivors">Whose contributions are in the sum.</param>
/// <param name="agreement">Key agreement.</param>
internal sealed class Unmasking(Roster roster, IEnumerable<string> sharers, IReadOnlyList<string> survivors, Agreement agreement)
{
    private readonly HashSet<int> shared = [.. sharers.Select(roster.PlaceOf).OfType<int>()];
    private readonly HashSet<int> left = [.. survivors.Select(s => roster.PlaceOf(s) ?? -1)];
    private readonly Dictionary<int, SortedDictionary<int, Residue>> seeds = [];
    private readonly Dictionary<int, SortedDictionary<int, Residue>> masks = [];

    // Of a complete graph the same holders answer for all.
    private (int[] Points, Residue[] Weights) weights = ([], []);

    /// <summary>Takes what a survivor has revealed; what is no such thing is left aside.</summary>
    public void Add(string holder, byte[] shares)
    {
        if (roster.PlaceOf(holder) is not { } place || !left.Contains(place))
            return;
        foreach (var (member, isMask, share) in Revelation.Read(shares, roster.Members.Count))
        {
            if (isMask != left.Contains(member) && shared.Contains(member) && Array.BinarySearch(roster.HoldersOf(member), place) >= 0)
            {
                var of = isMask ? masks : seeds;
                if (!of.TryGetValue(member, out var known))
                    of[member] = known = [];
                known.TryAdd(place, share);
            }
        }
    }

    /// <summary>Takes the masks off a sum.</summary>
    /// <param name="sums">Of the survivors' masked numbers, with the bits of each; unmasked in place.</param>
    /// <param name="cancellationToken">Ends it between masks.</param>
    /// <exception cref="TaskContractException">Too few have revealed their shares, or what they have revealed does not fit.</exception>
    public void Unmask(IReadOnlyList<(Memory<byte> Numbers, int Bits)> sums, CancellationToken cancellationToken)
    {
        if (left.Contains(-1) || left.Count != survivors.Count || left.Count < roster.Threshold || !left.IsSubsetOf(shared))
            throw new TaskContractException($"{left.Count} survivors of {roster.Members.Count} nodes, where {roster.Threshold} of those that have shared their secrets are needed: the sum stays masked.");
        // All secrets before the first mask comes off: a sum is whole, or it stays as it is.
        var keys = new List<(byte[] Key, bool IsNegative)>();
        foreach (var place in shared.Order())
        {
            cancellationToken.ThrowIfCancellationRequested();
            var secret = new byte[Residue.Length];
            if (left.Contains(place))
            {
                Recover(place, seeds).Write(secret);
                if (!CryptographicOperations.FixedTimeEquals(OwnSecrets.CommitmentOf(roster.Round, secret), roster.Members[place].Commitment))
                    throw Wrong(place);
                keys.Add((roster.OwnKey(secret, place), true));
                continue;
            }
            Recover(place, masks).Write(secret);
            if (!CryptographicOperations.FixedTimeEquals(agreement.PublicOf(secret), roster.Members[place].Mask))
                throw Wrong(place);
            // What the survivors had added, or taken away, with the one who has gone.
            foreach (var other in roster.HoldersOf(place).Where(h => h != place && left.Contains(h)))
                keys.Add((roster.MaskKey(secret, place, other, agreement) ?? throw Wrong(other), !Roster.Subtracts(other, place)));
        }
        foreach (var (key, isNegative) in keys)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var stream = new MaskStream(key, sums.Sum(s => (long)s.Numbers.Length));
            foreach (var (numbers, bits) in sums)
                stream.Apply(numbers.Span, bits, isNegative);
        }
    }

    private Residue Recover(int place, Dictionary<int, SortedDictionary<int, Residue>> of)
    {
        var threshold = roster.Round.Options.ThresholdOf(roster.HoldersOf(place).Length);
        var shares = of.GetValueOrDefault(place);
        if (shares is null || shares.Count < threshold)
            throw new TaskContractException($"{shares?.Count ?? 0} holders of {roster.Members[place].Node}'s secrets have revealed their shares where {threshold} are needed: the sum stays masked.");
        int[] points = [.. shares.Keys.Take(threshold).Select(Roster.PointOf)];
        if (!points.AsSpan().SequenceEqual(weights.Points))
            weights = (points, Shamir.WeightsOf(points));
        return Shamir.Recover(weights.Weights, shares.Values.Take(threshold).ToArray());
    }

    private TaskContractException Wrong(int place) =>
        new($"The shares of {roster.Members[place].Node}'s secret do not fit what it had told: a node has revealed wrong ones, or shared wrong ones. The sum stays masked.");
}

/// <summary>Shares as they are revealed: for each the member's place, what it is of, and the share.</summary>
internal static class Revelation
{
    /// <summary>The length of what is before a share.</summary>
    public const int HeadLength = sizeof(int) + 1;

    private const int Length = HeadLength + Residue.Length;

    /// <summary>Those that are well formed.</summary>
    public static IEnumerable<(int Member, bool IsMask, Residue Share)> Read(byte[] shares, int members)
    {
        for (var at = 0; at + Length <= shares.Length; at += Length)
        {
            var member = BinaryPrimitives.ReadInt32LittleEndian(shares.AsSpan(at));
            if (member >= 0 && member < members && shares[at + sizeof(int)] <= 1 && Residue.TryRead(shares.AsSpan(at + HeadLength), out var share))
                yield return (member, shares[at + sizeof(int)] == 1, share);
        }
    }
}

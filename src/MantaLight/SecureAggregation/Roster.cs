using System.Collections.Concurrent;

namespace MantaLight.SecureAggregation;

/// <summary>Who takes part in a round, in node-id order, with their keys; and with that, who is whose neighbour. All who have the same roster come to the same.</summary>
internal sealed class Roster
{
    /// <summary>The fewest among whom a sum hides anything.</summary>
    public const int Least = 3;

    private const int Most = 1 << 20;

    private static readonly ConcurrentDictionary<(int Nodes, double Threshold), int> Counts = new();

    private readonly Dictionary<string, int> places;
    private readonly NeighbourGraph graph;

    private Roster(SecureRound round, IEnumerable<PublicKeys> members)
    {
        Round = round;
        Members = [.. members.OrderBy(m => m.Node, StringComparer.Ordinal)];
        places = Members.Index().ToDictionary(m => m.Item.Node, m => m.Index, StringComparer.Ordinal);
        var transcript = new Transcript("roster").Add(round.Hash);
        foreach (var member in Members)
            transcript.Add(member.Node).Add(member.Cipher).Add(member.Mask).Add(member.Commitment).Add(member.Identity);
        Hash = transcript.Hash();
        var options = round.Options;
        var neighbours = options.Neighbours switch
        {
            0 => Members.Count,
            { } some => some,
            null => Counts.GetOrAdd((Members.Count, options.Threshold), _ => NeighbourCount.For(Members.Count, options.ThresholdOf)),
        };
        graph = new NeighbourGraph(Math.Max(1, Members.Count), neighbours, Hash);
    }

    public SecureRound Round { get; }

    /// <summary>In node-id order.</summary>
    public IReadOnlyList<PublicKeys> Members { get; }

    /// <summary>Of the round and all keys.</summary>
    public byte[] Hash { get; }

    /// <summary>How many of the members must be left, and agree on who is.</summary>
    public int Threshold => Math.Max(Least, Round.Options.ThresholdOf(Members.Count));

    /// <summary>Members whose keys are signed by the identities that they name. Those that are not are no members, for all alike.</summary>
    /// <exception cref="TaskContractException">There are too few.</exception>
    public static Roster Of(SecureRound round, IEnumerable<(string Node, string? Keys)> told, Agreement agreement)
    {
        var members = new List<PublicKeys>();
        foreach (var (node, text) in told.Take(Most))
        {
            if (PublicKeys.Read(node, text) is { } keys && agreement.Verify(keys.Identity, keys.Signed(round), keys.Signature))
                members.Add(keys);
        }
        return Create(round, members);
    }

    /// <summary>Reads back what <see cref="ToText"/> has written, of a roster whose signatures were checked.</summary>
    public static Roster Read(SecureRound round, string text) =>
        Create(round, text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => PublicKeys.Read(line.Split(' ')[0], line.Split(' ')[1])!));

    /// <summary>For <see cref="Read"/>.</summary>
    public string ToText() => string.Join('\n', Members.Select(m => $"{m.Node} {m.ToText()}"));

    /// <summary>A member's place; null for who is none.</summary>
    public int? PlaceOf(string node) => places.TryGetValue(node, out var place) ? place : null;

    /// <summary>The places of a member and its neighbours, ascending: those who hold shares of its secrets.</summary>
    public int[] HoldersOf(int place) => graph.HoldersOf(place);

    /// <summary>Where a member's shares are evaluated.</summary>
    public static int PointOf(int place) => place + 1;

    /// <summary>What two members' masks cancel by: the one of the lower place adds, the other takes away.</summary>
    public static bool Subtracts(int own, int other) => own > other;

    /// <summary>The key of the masks that two members share.</summary>
    /// <returns>Null where the other's key is no key.</returns>
    public byte[]? MaskKey(byte[] secret, int own, int other, Agreement agreement) => PairKey("pair mask", secret, own, other, Members[other].Mask, agreement);

    /// <summary>The key of what two members tell each other.</summary>
    /// <inheritdoc cref="MaskKey"/>
    public byte[]? CipherKey(byte[] secret, int own, int other, Agreement agreement) => PairKey("shares", secret, own, other, Members[other].Cipher, agreement);

    /// <summary>The key of a member's own mask.</summary>
    public byte[] OwnKey(ReadOnlySpan<byte> own, int place) => new Transcript("own mask key").Add(Hash).Add(place).Key(own);

    private byte[]? PairKey(string what, byte[] secret, int own, int other, byte[] key, Agreement agreement) => agreement.Agree(secret, key) is { } common
        ? new Transcript(what).Add(Hash).Add(Members[Math.Min(own, other)].Node).Add(Members[Math.Max(own, other)].Node).Key(common)
        : null;

    private static Roster Create(SecureRound round, IEnumerable<PublicKeys> members)
    {
        PublicKeys[] distinct = [.. members.DistinctBy(m => m.Node)];
        return distinct.Length >= Least
            ? new Roster(round, distinct)
            : throw new TaskContractException($"Secure aggregation is among {Least} nodes or more, and {distinct.Length} {(distinct.Length == 1 ? "has" : "have")} told keys: a sum of fewer hides nothing.");
    }
}

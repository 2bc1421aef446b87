using System.Buffers.Binary;
using System.Security.Cryptography;
using MantaLight.SecureAggregation;

namespace MantaLight.Tests.SecureAggregation;

/// <summary>One round among nodes in memory, step by step; a node that is lost at a step does nothing from there on.</summary>
internal sealed class SecureHistory
{
    public const int Steps = 5;

    private readonly Agreement agreement;
    private readonly Func<int, int> lostAt;
    private readonly int length;
    private readonly int bits;

    /// <param name="nodes">How many.</param>
    /// <param name="options">The terms.</param>
    /// <param name="seed">Of the round and of what is summed.</param>
    /// <param name="lostAt">The step before which a node is lost: 0 advertise, 1 share, 2 mask, 3 agree, 4 reveal; more for never.</param>
    /// <param name="agreement">Key agreement.</param>
    /// <param name="length">Of each vector.</param>
    public SecureHistory(int nodes, SecureOptions options, int seed, Func<int, int> lostAt, Agreement agreement, int length = 16)
    {
        (this.agreement, this.lostAt, this.length) = (agreement, lostAt, length);
        bits = options.Bits;
        Round = new SecureRound("swarm", $"0123456789abcdef-{seed}", 1, options);
        Nodes = [.. Enumerable.Range(0, nodes).Select(i => $"node_{i:D3}")];
        Vaults = [.. Nodes.Select((_, i) => new MemoryVault(SHA256.HashData(BitConverter.GetBytes(i))))];
        People = [.. Nodes.Select((node, i) => new Participant(Round, node, Vaults[i], agreement, SourceOf(i)))];
        var random = new Random(seed);
        Inputs = [.. Nodes.Select(_ =>
        {
            var input = new byte[length * bits / 8];
            random.NextBytes(input);
            return input;
        })];
    }

    public SecureRound Round { get; }

    public string[] Nodes { get; }

    public MemoryVault[] Vaults { get; }

    public Participant[] People { get; }

    /// <summary>What each adds.</summary>
    public byte[][] Inputs { get; }

    public List<(string Node, string? Keys)> Keys { get; } = [];

    public Dictionary<string, byte[]> Shares { get; } = new(StringComparer.Ordinal);

    /// <summary>What leaves each node.</summary>
    public Dictionary<string, byte[]> Masked { get; } = new(StringComparer.Ordinal);

    public Dictionary<string, byte[]> Consents { get; } = new(StringComparer.Ordinal);

    public Dictionary<string, byte[]> Revealed { get; } = new(StringComparer.Ordinal);

    public string[] Survivors => [.. Masked.Keys.Order(StringComparer.Ordinal)];

    /// <summary>The sum that should come out: of those whose masked vectors have come.</summary>
    public byte[] Expected
    {
        get
        {
            var sum = new byte[length * bits / 8];
            for (var i = 0; i < Nodes.Length; i++)
            {
                for (var k = 0; k < length && Masked.ContainsKey(Nodes[i]); k++)
                    Write(sum, k, unchecked(Read(sum, k) + Read(Inputs[i], k)));
            }
            return sum;
        }
    }

    /// <summary>The whole round.</summary>
    /// <returns>The sum that the aggregator comes to.</returns>
    public async Task<byte[]> RunAsync()
    {
        await MaskAsync();
        Agree();
        return Finish();
    }

    public async Task MaskAsync()
    {
        foreach (var i in There(0))
            Keys.Add((Nodes[i], People[i].Advertise().ToText()));
        foreach (var i in There(1))
            Shares[Nodes[i]] = People[i].Share(Keys)!;
        foreach (var i in There(2))
        {
            await ReceiveAsync(i);
            var masked = Inputs[i].ToArray();
            People[i].Mask([(masked, bits)]);
            Masked[Nodes[i]] = masked;
        }
    }

    public Task ReceiveAsync(int i) => People[i].ReceiveAsync(Shares.ToDictionary(s => s.Key, s => (Func<Task<byte[]?>>)(() => Task.FromResult<byte[]?>(s.Value))));

    public void Agree()
    {
        foreach (var i in There(3))
        {
            if (People[i].Consent(Survivors) is { } consent)
                Consents[Nodes[i]] = consent;
        }
        foreach (var i in There(4))
        {
            if (People[i].Reveal(Survivors, Consents) is { } shares)
                Revealed[Nodes[i]] = shares;
        }
    }

    public byte[] Finish()
    {
        var sum = new byte[length * bits / 8];
        foreach (var masked in Masked.Values)
            Ring.Add(sum, masked, bits);
        var unmasking = new Unmasking(Roster.Of(Round, Keys, agreement), Shares.Keys, Survivors, agreement);
        foreach (var (node, shares) in Revealed)
            unmasking.Add(node, shares);
        unmasking.Unmask([(sum, bits)], CancellationToken.None);
        return sum;
    }

    /// <summary>Who is there for a step.</summary>
    public IEnumerable<int> There(int step) => Enumerable.Range(0, Nodes.Length).Where(i => lostAt(i) > step);

    // A node has the same keys in all histories, so that agreements are worked out once; rounds differ.
    private static SecretSource SourceOf(int node)
    {
        var stream = new MaskStream(SHA256.HashData(BitConverter.GetBytes(node + 1_000_000)), 4096);
        return bytes =>
        {
            var padded = new byte[bytes.Length];
            stream.Apply(padded, 16, isNegative: false);
            padded.CopyTo(bytes);
        };
    }

    private ulong Read(byte[] numbers, int place) => bits switch
    {
        16 => BinaryPrimitives.ReadUInt16LittleEndian(numbers.AsSpan(place * 2)),
        32 => BinaryPrimitives.ReadUInt32LittleEndian(numbers.AsSpan(place * 4)),
        _ => BinaryPrimitives.ReadUInt64LittleEndian(numbers.AsSpan(place * 8)),
    };

    private void Write(byte[] numbers, int place, ulong value)
    {
        switch (bits)
        {
            case 16:
                BinaryPrimitives.WriteUInt16LittleEndian(numbers.AsSpan(place * 2), (ushort)value);
                break;
            case 32:
                BinaryPrimitives.WriteUInt32LittleEndian(numbers.AsSpan(place * 4), (uint)value);
                break;
            default:
                BinaryPrimitives.WriteUInt64LittleEndian(numbers.AsSpan(place * 8), value);
                break;
        }
    }
}

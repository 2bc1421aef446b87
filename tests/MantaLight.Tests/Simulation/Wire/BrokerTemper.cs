using MantaLight.Messaging;

namespace MantaLight.Simulation;

/// <summary>How bad a broker and its network are: each habit was measured on some real broker.</summary>
internal sealed record BrokerTemper
{
    /// <summary>Chunks so small that a tiny model has several.</summary>
    public BrokerLimits Limits { get; init; } = new() { MaximumPacketSize = 5120, ReplaysRetainedByWildcard = true };

    public TimeSpan MinimumLatency { get; init; } = TimeSpan.FromMilliseconds(1);

    public TimeSpan MaximumLatency { get; init; } = TimeSpan.FromMilliseconds(5);

    /// <summary>Whether only messages of one topic keep their order on a connection.</summary>
    public bool ReordersTopics { get; init; }

    /// <summary>Whether what is retained follows the answer to a subscription; else it precedes it. Both are allowed.</summary>
    public bool AnswersFirst { get; init; }

    /// <summary>How often a message is delivered twice, without a mark.</summary>
    public double Duplicates { get; init; }

    /// <summary>How many messages may wait for a client; more are dropped without a word.</summary>
    public int QueueLimit { get; init; } = 1000;

    /// <summary>Whether the oldest of too many is dropped; else the newest.</summary>
    public bool DropsOldest { get; init; }

    /// <summary>How many of them may be under way and not acknowledged by the client: with the latency, how many it takes in a second.</summary>
    public int InFlight { get; init; } = int.MaxValue;

    /// <summary>Whether a will is published at once, whatever delay was asked for; also at a takeover.</summary>
    public bool WillsAtOnce { get; init; }

    /// <summary>Whether a delayed will is published even though its client is back.</summary>
    public bool KeepsWills { get; init; }

    /// <summary>
    /// How long what a client far away has published may take, although it is acknowledged, until it takes effect; also
    /// when another has taken the client id over meanwhile. Zero for a broker that is no cluster.
    /// </summary>
    public TimeSpan Routing { get; init; }

    /// <summary>How often a retained chunk is acknowledged and not kept, and one from node to node does not arrive.</summary>
    public double LosesChunks { get; init; }

    /// <summary>Bytes a second to and from a client on a slow link.</summary>
    public int SlowLink { get; init; } = 40_000;

    /// <summary>The habits of the broker of a seed.</summary>
    public static BrokerTemper Of(Draw draw)
    {
        var losesChunks = draw.Chance(0.15);
        var slow = draw.Chance(0.3);
        return new BrokerTemper
        {
            // The self-test finds out that a broker cannot be trusted with retained messages.
            Limits = new BrokerLimits { MaximumPacketSize = 5120, ReplaysRetainedByWildcard = !losesChunks && draw.Chance(0.7), ReceiveMaximum = draw.Of(2, 10, 16) },
            MinimumLatency = TimeSpan.FromMilliseconds(1),
            MaximumLatency = TimeSpan.FromMilliseconds(slow ? draw.Between(50, 300) : draw.Between(2, 40)),
            ReordersTopics = draw.Chance(0.5),
            AnswersFirst = draw.Chance(0.5),
            Duplicates = draw.Chance(0.4) ? 0.05 : 0,
            // In proportion to so few nodes, some are as small as the usual thousand is to hundreds.
            QueueLimit = draw.Of(15, 30, 200, 1000),
            DropsOldest = draw.Chance(0.5),
            InFlight = draw.Of(int.MaxValue, int.MaxValue, 32, 10),
            WillsAtOnce = draw.Chance(0.4),
            KeepsWills = draw.Chance(0.2),
            Routing = draw.Chance(0.4) ? TimeSpan.FromMilliseconds(400) : TimeSpan.Zero,
            LosesChunks = losesChunks ? 0.03 : 0,
            SlowLink = draw.Of(20_000, 60_000),
        };
    }
}

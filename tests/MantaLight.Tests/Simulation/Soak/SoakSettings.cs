namespace MantaLight.Simulation;

/// <summary>How long a swarm is to go on while its nodes fail.</summary>
internal sealed record SoakSettings
{
    /// <summary>Virtual time until the owner removes the swarm.</summary>
    public TimeSpan Duration { get; init; } = TimeSpan.FromHours(24);

    public int Nodes { get; init; } = 20;

    public long Seed { get; init; } = 1;

    /// <summary>The type of the task that trains, and so how long a round takes.</summary>
    public string Worker { get; init; } = nameof(LeisurelyWorker);

    /// <summary>How often what there is gets measured: every hour, or twelve times in all.</summary>
    public TimeSpan Interval => Duration >= TimeSpan.FromHours(12) ? TimeSpan.FromHours(1) : Duration / 12;

    public HistoryPlan ToPlan() => new()
    {
        Seed = Seed,
        Nodes = [.. Enumerable.Range(0, Nodes).Select(i => $"node_{i:00}")],
        Swarms =
        [
            new SwarmPlan
            {
                Name = "soak", Worker = Worker, Rounds = 1_000_000, MinimumNodes = Nodes, Quorum = 1, Retries = 20,
                Deadline = TimeSpan.FromMinutes(10), Published = TimeSpan.FromSeconds(5), Whims = 0,
            },
        ],
        Temper = new BrokerTemper { MaximumLatency = TimeSpan.FromMilliseconds(40), ReordersTopics = true, Duplicates = 0.01 },
        Faults = (int)Duration.TotalMinutes,
        Restless = Duration,
        SkewsClocks = true,
    };
}

using System.Collections.Immutable;

namespace MantaLight.Protocol;

/// <summary>A node that has failed in the last rounds that it took part in.</summary>
public sealed record NodeAbsence
{
    /// <summary>The node.</summary>
    public string Node { get; set; } = "";

    /// <summary>In how many rounds in a row it has failed.</summary>
    public int Failures { get; set; }

    /// <summary>For how many rounds it was left out the last time; 0 where it was not.</summary>
    public int Rounds { get; set; }

    /// <summary>The last round that it is left out of; 0 where it was not.</summary>
    public int UntilRound { get; set; }
}

/// <summary>A node in trouble.</summary>
public sealed record NodeTrouble
{
    /// <summary>The node.</summary>
    public string Node { get; set; } = "";

    /// <summary>The trouble.</summary>
    public string Reason { get; set; } = "";

    /// <summary>How long after the commit its record came, which was refused for that; absent where none came.</summary>
    public double? LateSeconds { get; set; }
}

/// <summary>How far a metric is from being the same for all nodes, each of which counts the same.</summary>
public sealed record MetricSpread
{
    /// <summary>The metric, <c>tag.member</c>.</summary>
    public string Metric { get; set; } = "";

    /// <summary>How many nodes told it.</summary>
    public int Nodes { get; set; }

    /// <summary>The worst value: the least, or of a loss the largest.</summary>
    public double Worst { get; set; }

    /// <summary>Whose it is; of several the first in node-id order.</summary>
    public string WorstNode { get; set; } = "";

    /// <summary>The standard deviation.</summary>
    public double StandardDeviation { get; set; }

    /// <summary>Eleven values from the least to the largest, a tenth of the nodes between each two.</summary>
    public ImmutableArray<double> Deciles { get; set; } = [];
}

/// <summary>A finished round.</summary>
public sealed record RoundSummary
{
    /// <summary>The round.</summary>
    public int Round { get; set; }

    /// <summary>
    /// For each numeric member of an object among the results, <c>tag.member</c>: its mean over the nodes, weighted by the
    /// object's <c>samples</c> where it has them.
    /// </summary>
    public ImmutableSortedDictionary<string, double> Metrics { get; set; } = ImmutableSortedDictionary<string, double>.Empty;

    /// <summary>How far apart the nodes' tests are; absent where fewer than two have told the metric.</summary>
    public ImmutableArray<MetricSpread>? Spread { get; set; }

    /// <summary>How many nodes completed a first task.</summary>
    public int Participants { get; set; }

    /// <summary>Samples behind the contributions.</summary>
    public long Samples { get; set; }

    /// <summary>Who was left out, and why.</summary>
    public ImmutableArray<NodeTrouble> LeftOut { get; set; } = [];

    /// <summary>Bytes sent since the round before.</summary>
    public long BytesUp { get; set; }

    /// <summary>Bytes received since the round before.</summary>
    public long BytesDown { get; set; }

    /// <summary>The slowest first task's training.</summary>
    public double TrainSeconds { get; set; }

    /// <summary>The rest of the round's time.</summary>
    public double OverheadSeconds { get; set; }

    /// <summary>
    /// The hash of the global weights that the round set; of <c>tag:hash</c> lines in tag order where there are several;
    /// absent where there are none.
    /// </summary>
    public string? GlobalSha256 { get; set; }

    /// <summary>What the scheduler said.</summary>
    public string? Decision { get; set; }

    /// <summary>Why the round was given up; absent for one that was finished.</summary>
    public string? Skipped { get; set; }

    /// <summary>How many records came after their task was committed without them.</summary>
    public int Late { get; set; }
}

namespace MantaLight.Partitioning;

/// <summary>
/// Shares samples out over nodes. Every sample goes to exactly one node, no node has fewer than the least that was asked for, and the same seed gives
/// the same partition for ever.
/// </summary>
public static class Partitioner
{
    /// <summary>The indices of each node's samples, in a random order.</summary>
    /// <typeparam name="T">What classes, or a column's values, are.</typeparam>
    /// <param name="values">The class of each sample; with <see cref="PartitionScheme.Key"/> its value in that column.</param>
    /// <param name="nodes">How many nodes; at least 1.</param>
    /// <param name="spec">How to share out; of it the scheme and the minimum count here.</param>
    /// <param name="seed">Where the choices come from.</param>
    /// <returns>One array for each node.</returns>
    /// <exception cref="InvalidSettingException">There are not enough samples, or values, for so many nodes.</exception>
    public static int[][] Split<T>(ReadOnlySpan<T> values, int nodes, PartitionSpec spec, ulong seed)
        where T : notnull, IComparable<T> => Split(values, nodes, spec, new SeededRandom(seed, 1));

    /// <inheritdoc cref="Split{T}(ReadOnlySpan{T}, int, PartitionSpec, ulong)"/>
    /// <param name="values">The class of each sample; with <see cref="PartitionScheme.Key"/> its value in that column.</param>
    /// <param name="nodes">How many nodes; at least 1.</param>
    /// <param name="spec">How to share out; of it the scheme and the minimum count here.</param>
    /// <param name="random">Where the choices come from.</param>
    public static int[][] Split<T>(ReadOnlySpan<T> values, int nodes, PartitionSpec spec, SeededRandom random)
        where T : notnull, IComparable<T>
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(nodes, 1);
        if (nodes > values.Length)
            throw new InvalidSettingException($"{values.Length:N0} samples cannot be shared out over {nodes:N0} nodes; take fewer nodes.");
        if ((long)spec.Minimum * nodes > values.Length)
            throw new InvalidSettingException($"{values.Length:N0} samples are too few for {spec.Minimum:N0} on each of {nodes:N0} nodes; take fewer nodes, or a lower min.");
        var parts = spec.Scheme switch
        {
            PartitionScheme.Classes classes => Schemes.ByClasses(Groups(values), nodes, classes.PerNode, random),
            PartitionScheme.Dirichlet dirichlet => Schemes.ByDirichlet(Groups(values), nodes, dirichlet.Alpha, spec.Minimum, random),
            PartitionScheme.Mixture mixture => Schemes.ByMixture(Groups(values), nodes, mixture.Alpha, random),
            PartitionScheme.Shards shards => Schemes.ByShards(Groups(values), nodes, shards.PerNode, spec.Minimum, random),
            PartitionScheme.Sizes sizes => Schemes.BySizes(values.Length, Schemes.Proportions(nodes, sizes.Alpha, random), spec.Minimum, random),
            PartitionScheme.PowerLaw power => Schemes.BySizes(values.Length, Schemes.PowerLaw(nodes, power.Exponent, random), spec.Minimum, random),
            PartitionScheme.Key key => Schemes.ByKey(Groups(values), nodes, key.Column),
            _ => Schemes.Evenly(values.Length, nodes, random),
        };
        foreach (var (node, part) in parts.Index())
        {
            if (part.Length < spec.Minimum)
                throw new InvalidSettingException($"{values.Length:N0} samples are too few for {spec} over {nodes:N0} nodes: node {node} would have {part.Length:N0}, and {spec.Minimum:N0} is the least. Take fewer nodes.");
            random.Shuffle<int>(part);
        }
        Check(parts, values.Length, spec.Minimum);
        return parts;
    }

    /// <summary>How many different values there are: the most nodes that <see cref="PartitionScheme.Key"/> can have.</summary>
    public static int CountValues<T>(ReadOnlySpan<T> values)
        where T : notnull, IComparable<T> => Groups(values).Length;

    /// <summary>Makes sure of a partition: every sample is in exactly one part, and no part has fewer than the least.</summary>
    /// <param name="parts">The indices of each node's samples.</param>
    /// <param name="samples">How many samples there are.</param>
    /// <param name="minimum">The least that a part may have.</param>
    /// <exception cref="DatasetException">It is not so; the message names the first sample, or part, that is wrong.</exception>
    public static void Check(IReadOnlyList<int[]> parts, int samples, int minimum = 1)
    {
        var owners = new int[samples];
        for (var node = 0; node < parts.Count; node++)
        {
            if (parts[node].Length < minimum)
                throw new DatasetException($"Part {node} has {parts[node].Length:N0} samples; {minimum:N0} is the least.");
            foreach (var sample in parts[node])
            {
                if ((uint)sample >= (uint)samples)
                    throw new DatasetException($"Part {node} has sample {sample}; there are {samples:N0}, from 0.");
                if (owners[sample] != 0)
                    throw new DatasetException($"Sample {sample} is in part {owners[sample] - 1} and in part {node}.");
                owners[sample] = node + 1;
            }
        }
        if (owners.IndexOf(0) is >= 0 and var missing)
            throw new DatasetException($"Sample {missing} is in no part.");
    }

    /// <summary>The samples of each value, in the values' order.</summary>
    private static int[][] Groups<T>(ReadOnlySpan<T> values)
        where T : notnull, IComparable<T>
    {
        // Text in the order of its characters: that of a language is another one on another machine.
        var order = typeof(T) == typeof(string) ? (IComparer<T>)StringComparer.Ordinal : Comparer<T>.Default;
        var groups = new SortedDictionary<T, List<int>>(order);
        for (var i = 0; i < values.Length; i++)
        {
            if (!groups.TryGetValue(values[i], out var samples))
                groups[values[i]] = samples = [];
            samples.Add(i);
        }
        return [.. groups.Values.Select(s => s.ToArray())];
    }
}

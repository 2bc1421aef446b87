namespace MantaLight.Cli.Data;

/// <summary>
/// Shares samples out over nodes. Every sample goes to exactly one node, no node stays without, and the same seed gives
/// the same partition.
/// </summary>
internal static class Partitioner
{
    /// <summary>The indices of each node's samples, in a random order.</summary>
    /// <param name="labels">The class of each sample.</param>
    /// <param name="nodes">How many nodes; at least 1.</param>
    /// <param name="spec">How to share out.</param>
    /// <param name="random">Where the choices come from.</param>
    /// <exception cref="InvalidSettingException">There are not enough samples for so many nodes.</exception>
    public static int[][] Split(ReadOnlySpan<byte> labels, int nodes, PartitionSpec spec, SeededRandom random)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(nodes, 1);
        if (nodes > labels.Length)
            throw new InvalidSettingException($"{labels.Length:N0} samples cannot be shared out over {nodes:N0} nodes; take fewer nodes.");
        var parts = spec switch
        {
            PartitionSpec.Classes classes => ByClasses(SamplesByClass(labels), nodes, classes.PerNode, random),
            PartitionSpec.Dirichlet dirichlet => ByDirichlet(SamplesByClass(labels), nodes, dirichlet.Alpha, random),
            PartitionSpec.Shards shards => ByShards(SamplesByClass(labels), nodes, shards.PerNode, random),
            PartitionSpec.Sizes sizes => BySizes(labels.Length, Proportions(nodes, sizes.Alpha, random), random),
            PartitionSpec.PowerLaw power => BySizes(labels.Length, PowerLaw(nodes, power.Exponent, random), random),
            _ => Evenly(labels.Length, nodes, random),
        };
        foreach (var part in parts)
        {
            if (part.Length == 0)
                throw new InvalidSettingException($"{labels.Length:N0} samples are too few for {spec} over {nodes:N0} nodes; take fewer nodes.");
            random.Shuffle<int>(part);
        }
        return parts;
    }

    private static int[][] Evenly(int count, int nodes, SeededRandom random)
    {
        int[] all = [.. Enumerable.Range(0, count)];
        random.Shuffle<int>(all);
        return [.. Enumerable.Range(0, nodes).Select(n => Share(all, n, nodes).ToArray())];
    }

    private static int[][] ByClasses(int[][] classes, int nodes, int perNode, SeededRandom random)
    {
        var held = AssignClasses(classes.Length, nodes, Math.Min(perNode, classes.Length), random);
        var parts = Enumerable.Range(0, nodes).Select(_ => new List<int>()).ToArray();
        for (var c = 0; c < classes.Length; c++)
        {
            random.Shuffle<int>(classes[c]);
            int[] holders = [.. Enumerable.Range(0, nodes).Where(n => held[n].Contains(c))];
            for (var i = 0; i < holders.Length; i++)
                parts[holders[i]].AddRange(Share(classes[c], i, holders.Length));
        }
        return [.. parts.Select(p => p.ToArray())];
    }

    /// <summary>
    /// Which classes each node holds. All classes are held equally often, give or take one, and by one node at least: where
    /// nodes x <paramref name="perNode"/> is less than the number of classes, nodes hold more than asked for.
    /// </summary>
    private static HashSet<int>[] AssignClasses(int classes, int nodes, int perNode, SeededRandom random)
    {
        var slots = Math.Max(nodes * perNode, classes);
        int[] order = [.. Enumerable.Range(0, classes)];
        random.Shuffle<int>(order);
        var open = new int[classes];
        for (var i = 0; i < classes; i++)
            open[order[i]] = ShareSize(slots, i, classes);

        var held = new HashSet<int>[nodes];
        for (var n = 0; n < nodes; n++)
        {
            // Taking those with most open slots first keeps them level, so that enough different ones remain for the last node.
            random.Shuffle<int>(order);
            held[n] = [.. order.OrderByDescending(c => open[c]).Take(ShareSize(slots, n, nodes))];
            foreach (var c in held[n])
                open[c]--;
        }
        return held;
    }

    private static int[][] ByDirichlet(int[][] classes, int nodes, double alpha, SeededRandom random)
    {
        var parts = Enumerable.Range(0, nodes).Select(_ => new List<int>()).ToArray();
        foreach (var samples in classes)
        {
            random.Shuffle<int>(samples);
            Cut(samples, Proportions(nodes, alpha, random), parts);
        }
        return Filled(parts);
    }

    private static int[][] ByShards(int[][] classes, int nodes, int perNode, SeededRandom random)
    {
        foreach (var samples in classes)
            random.Shuffle<int>(samples);
        int[] sorted = [.. classes.SelectMany(c => c)];
        int[] order = [.. Enumerable.Range(0, nodes * perNode)];
        random.Shuffle<int>(order);
        var parts = Enumerable.Range(0, nodes).Select(_ => new List<int>()).ToArray();
        for (var i = 0; i < order.Length; i++)
            parts[i / perNode].AddRange(Share(sorted, order[i], order.Length));
        return Filled(parts);
    }

    private static int[][] BySizes(int count, double[] proportions, SeededRandom random)
    {
        int[] all = [.. Enumerable.Range(0, count)];
        random.Shuffle<int>(all);
        var parts = proportions.Select(_ => new List<int>()).ToArray();
        Cut(all, proportions, parts);
        return Filled(parts);
    }

    private static double[] PowerLaw(int nodes, double exponent, SeededRandom random)
    {
        double[] weights = [.. Enumerable.Range(1, nodes).Select(k => Math.Pow(k, -exponent))];
        random.Shuffle<double>(weights);
        var total = weights.Sum();
        return [.. weights.Select(w => w / total)];
    }

    /// <summary>Adds to each part its proportion of the samples.</summary>
    private static void Cut(int[] samples, double[] proportions, List<int>[] parts)
    {
        double sum = 0;
        var start = 0;
        for (var n = 0; n < parts.Length; n++)
        {
            sum += proportions[n];
            var end = n == parts.Length - 1 ? samples.Length : Math.Clamp((int)Math.Round(samples.Length * sum), start, samples.Length);
            parts[n].AddRange(samples.AsSpan(start..end));
            start = end;
        }
    }

    private static int[][] Filled(List<int>[] parts)
    {
        foreach (var empty in parts.Where(p => p.Count == 0))
        {
            // A node without a sample could not take part; the largest one spares it.
            var largest = parts.MaxBy(p => p.Count)!;
            empty.Add(largest[^1]);
            largest.RemoveAt(largest.Count - 1);
        }
        return [.. parts.Select(p => p.ToArray())];
    }

    private static double[] Proportions(int nodes, double alpha, SeededRandom random)
    {
        double[] logs = [.. Enumerable.Range(0, nodes).Select(_ => random.NextLogGamma(alpha))];
        var largest = logs.Max();
        double[] weights = [.. logs.Select(l => Math.Exp(l - largest))];
        var total = weights.Sum();
        return [.. weights.Select(w => w / total)];
    }

    private static int[][] SamplesByClass(ReadOnlySpan<byte> labels)
    {
        var classes = new SortedDictionary<byte, List<int>>();
        for (var i = 0; i < labels.Length; i++)
        {
            if (!classes.TryGetValue(labels[i], out var samples))
                classes[labels[i]] = samples = [];
            samples.Add(i);
        }
        return [.. classes.Values.Select(s => s.ToArray())];
    }

    private static ReadOnlySpan<int> Share(int[] items, int index, int of)
    {
        var start = (int)((long)items.Length * index / of);
        return items.AsSpan(start..(int)((long)items.Length * (index + 1) / of));
    }

    private static int ShareSize(int count, int index, int of) => (count / of) + (index < count % of ? 1 : 0);
}

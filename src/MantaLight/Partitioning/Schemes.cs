namespace MantaLight.Partitioning;

/// <summary>The schemes one by one, on the samples' indices.</summary>
internal static class Schemes
{
    public static int[][] Evenly(int count, int nodes, SeededRandom random)
    {
        int[] all = [.. Enumerable.Range(0, count)];
        random.Shuffle<int>(all);
        return [.. Enumerable.Range(0, nodes).Select(n => Share(all, n, nodes).ToArray())];
    }

    public static int[][] ByClasses(int[][] classes, int nodes, int perNode, SeededRandom random)
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

    public static int[][] ByDirichlet(int[][] classes, int nodes, double alpha, int minimum, SeededRandom random)
    {
        var parts = Enumerable.Range(0, nodes).Select(_ => new List<int>()).ToArray();
        foreach (var samples in classes)
        {
            random.Shuffle<int>(samples);
            Cut(samples, Proportions(nodes, alpha, random), parts);
        }
        return Filled(parts, minimum);
    }

    /// <summary>Hsu et al. 2019: each node draws its samples by a mixture of its own, q ~ Dir(α p), without replacement.</summary>
    public static int[][] ByMixture(int[][] classes, int nodes, double alpha, SeededRandom random)
    {
        var total = classes.Sum(c => c.Length);
        var left = new int[classes.Length];
        for (var c = 0; c < classes.Length; c++)
        {
            random.Shuffle<int>(classes[c]);
            left[c] = classes[c].Length;
        }
        double[] prior = [.. classes.Select(c => (double)c.Length / total)];
        var parts = new int[nodes][];
        for (var n = 0; n < nodes; n++)
        {
            var mixture = Proportions([.. prior.Select(p => alpha * p)], random);
            parts[n] = new int[ShareSize(total, n, nodes)];
            for (var i = 0; i < parts[n].Length; i++)
            {
                var c = Draw(mixture, left, random);
                parts[n][i] = classes[c][--left[c]];
            }
        }
        return parts;
    }

    /// <summary>A class that has samples left, by the mixture; where that has none of them any more, by what is left.</summary>
    private static int Draw(double[] mixture, int[] left, SeededRandom random)
    {
        double sum = 0;
        for (var c = 0; c < left.Length; c++)
            sum += left[c] > 0 ? mixture[c] : 0;
        var isByMixture = sum > 0;
        if (!isByMixture)
            sum = left.Sum();
        var at = random.NextDouble() * sum;
        var last = -1;
        for (var c = 0; c < left.Length; c++)
        {
            var weight = left[c] == 0 ? 0 : isByMixture ? mixture[c] : left[c];
            if (weight == 0)
                continue;
            last = c;
            at -= weight;
            if (at < 0)
                break;
        }
        return last;
    }

    /// <summary>Groups of equal values: one for each node, or the largest first to the node that has the fewest samples.</summary>
    public static int[][] ByKey(int[][] groups, int nodes, string column)
    {
        if (groups.Length < nodes)
            throw new InvalidSettingException($"Column '{column}' has {groups.Length:N0} different values, which cannot be shared out over {nodes:N0} nodes; take at most {groups.Length:N0}.");
        if (groups.Length == nodes)
            return groups;
        var parts = Enumerable.Range(0, nodes).Select(_ => new List<int>()).ToArray();
        foreach (var group in groups.OrderByDescending(g => g.Length))
            parts.MinBy(p => p.Count)!.AddRange(group);
        return [.. parts.Select(p => p.ToArray())];
    }

    public static int[][] ByShards(int[][] classes, int nodes, int perNode, int minimum, SeededRandom random)
    {
        foreach (var samples in classes)
            random.Shuffle<int>(samples);
        int[] sorted = [.. classes.SelectMany(c => c)];
        int[] order = [.. Enumerable.Range(0, nodes * perNode)];
        random.Shuffle<int>(order);
        var parts = Enumerable.Range(0, nodes).Select(_ => new List<int>()).ToArray();
        for (var i = 0; i < order.Length; i++)
            parts[i / perNode].AddRange(Share(sorted, order[i], order.Length));
        return Filled(parts, minimum);
    }

    public static int[][] BySizes(int count, double[] proportions, int minimum, SeededRandom random)
    {
        int[] all = [.. Enumerable.Range(0, count)];
        random.Shuffle<int>(all);
        var parts = proportions.Select(_ => new List<int>()).ToArray();
        Cut(all, proportions, parts);
        return Filled(parts, minimum);
    }

    public static double[] PowerLaw(int nodes, double exponent, SeededRandom random)
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

    /// <summary>A node with too few samples gets what is missing from those with the most.</summary>
    private static int[][] Filled(List<int>[] parts, int minimum)
    {
        foreach (var poor in parts.Where(p => p.Count < minimum))
        {
            while (poor.Count < minimum)
            {
                var largest = parts.MaxBy(p => p.Count)!;
                poor.Add(largest[^1]);
                largest.RemoveAt(largest.Count - 1);
            }
        }
        return [.. parts.Select(p => p.ToArray())];
    }

    /// <summary>A draw from the symmetric Dirichlet distribution.</summary>
    public static double[] Proportions(int count, double alpha, SeededRandom random) => Proportions([.. Enumerable.Repeat(alpha, count)], random);

    /// <summary>A draw from a Dirichlet distribution, by logarithms: for a small alpha all gamma numbers would be zero.</summary>
    private static double[] Proportions(double[] alphas, SeededRandom random)
    {
        double[] logs = [.. alphas.Select(random.NextLogGamma)];
        var largest = logs.Max();
        double[] weights = [.. logs.Select(l => Math.Exp(l - largest))];
        var total = weights.Sum();
        return [.. weights.Select(w => w / total)];
    }

    private static ReadOnlySpan<int> Share(int[] items, int index, int of)
    {
        var start = (int)((long)items.Length * index / of);
        return items.AsSpan(start..(int)((long)items.Length * (index + 1) / of));
    }

    private static int ShareSize(int count, int index, int of) => (count / of) + (index < count % of ? 1 : 0);
}

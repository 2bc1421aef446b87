using System.Globalization;

namespace MantaLight.Partitioning;

/// <summary>Who gets which samples.</summary>
public abstract record PartitionScheme
{
    private PartitionScheme()
    {
    }

    /// <summary>Every node gets a random share; shares are equal, give or take one.</summary>
    public sealed record Iid : PartitionScheme
    {
        /// <inheritdoc/>
        public override string ToString() => "iid";
    }

    /// <summary>
    /// Every node sees only some classes, and each class is shared out evenly over the nodes that see it (Li et al. 2022, "Federated Learning on Non-IID Data Silos: An Experimental Study",
    /// section 4.1, #C = k). Here all classes are seen equally often, give or take one, so that no sample is left out.
    /// </summary>
    /// <param name="PerNode">How many, 1 to 1,000.</param>
    public sealed record Classes(int PerNode) : PartitionScheme
    {
        /// <inheritdoc/>
        public override string ToString() => (PerNode <= 10 ? "non-iid-" : "classes:") + PerNode.ToString(CultureInfo.InvariantCulture);
    }

    /// <summary>
    /// Each class is cut over the nodes in proportions from a symmetric Dirichlet distribution, p_k ~ Dir_N(α) (Yurochkin et al. 2019; Li et al. 2022, section 4.1): nodes differ in their classes and in
    /// how many samples they have.
    /// </summary>
    /// <param name="Alpha">Above 0, at most a million; the smaller the more uneven.</param>
    public sealed record Dirichlet(double Alpha) : PartitionScheme
    {
        /// <inheritdoc/>
        public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"dirichlet:{Alpha}");
    }

    /// <summary>
    /// Nodes have as many samples each, give or take one, and a mixture of classes of their own, q ~ Dir(α p) with p the classes' shares of all samples (Hsu et al. 2019, "Measuring the Effects of
    /// Non-Identical Data Distribution for Federated Visual Classification", section 3). Samples are drawn by q without replacement; of a class that has run out the others take the place.
    /// </summary>
    /// <param name="Alpha">Above 0, at most a million; the smaller the more uneven.</param>
    public sealed record Mixture(double Alpha) : PartitionScheme
    {
        /// <inheritdoc/>
        public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"hsu:{Alpha}");
    }

    /// <summary>Samples in order of their class are cut into pieces of one size, and each node gets some at random (McMahan et al. 2017, section 3: 2 of 200 for each of 100).</summary>
    /// <param name="PerNode">How many, 1 to 1,000.</param>
    public sealed record Shards(int PerNode) : PartitionScheme
    {
        /// <inheritdoc/>
        public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"shards:{PerNode}");
    }

    /// <summary>Nodes have random samples, of sizes in proportions q ~ Dir_N(α) (Li et al. 2022, section 4.3, quantity skew).</summary>
    /// <param name="Alpha">Above 0, at most a million; the smaller the more uneven.</param>
    public sealed record Sizes(double Alpha) : PartitionScheme
    {
        /// <inheritdoc/>
        public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"sizes:{Alpha}");
    }

    /// <summary>Nodes have random samples; the k-th largest has k to the power of -A times as many as the largest, as in Zipf's law.</summary>
    /// <param name="Exponent">A, above 0 to 10.</param>
    public sealed record PowerLaw(double Exponent) : PartitionScheme
    {
        /// <inheritdoc/>
        public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"power:{Exponent}");
    }

    /// <summary>
    /// Samples belong together that have the same value in a column, such as a hospital or a writer. With as many nodes as there are values each node has one, in order; with fewer nodes values are put
    /// together, the largest first, each to where there are fewest samples so far.
    /// </summary>
    /// <param name="Column">The column's or array's name.</param>
    public sealed record Key(string Column) : PartitionScheme
    {
        /// <inheritdoc/>
        public override string ToString() => $"key:{Column}";
    }
}

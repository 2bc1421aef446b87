using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace MantaLight.Cli.Data;

/// <summary>How training samples are shared out over nodes.</summary>
internal abstract record PartitionSpec
{
    /// <summary>What the command line takes.</summary>
    public const string Allowed = "iid, non-iid-K (K classes per node, 1 to 10), dirichlet:ALPHA (above 0, at most 1000000; the smaller the more uneven), shards:K (K pieces of the samples in order of class for each node, 1 to 1000), sizes:ALPHA (sizes alone, by Dirichlet) or power:A (sizes alone, the k-th largest k^-A, above 0 to 10)";

    private const string ClassesPrefix = "non-iid-";
    private const string DirichletPrefix = "dirichlet:";
    private const string ShardsPrefix = "shards:";
    private const string SizesPrefix = "sizes:";
    private const string PowerPrefix = "power:";

    private PartitionSpec()
    {
    }

    /// <summary>Every node gets a random, equal share.</summary>
    public sealed record Iid : PartitionSpec
    {
        /// <inheritdoc/>
        public override string ToString() => "iid";
    }

    /// <summary>Every node sees only some classes.</summary>
    /// <param name="PerNode">How many, 1 to 10.</param>
    public sealed record Classes(int PerNode) : PartitionSpec
    {
        /// <inheritdoc/>
        public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{ClassesPrefix}{PerNode}");
    }

    /// <summary>Each class is cut over the nodes in proportions drawn from a symmetric Dirichlet distribution.</summary>
    /// <param name="Alpha">Above 0, at most a million.</param>
    public sealed record Dirichlet(double Alpha) : PartitionSpec
    {
        /// <inheritdoc/>
        public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{DirichletPrefix}{Alpha}");
    }

    /// <summary>Samples in order of their class are cut into pieces of one size, and each node gets some at random (McMahan et al. 2017, section 3: 2 of 200 for each of 100).</summary>
    /// <param name="PerNode">How many, 1 to 1,000.</param>
    public sealed record Shards(int PerNode) : PartitionSpec
    {
        /// <inheritdoc/>
        public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{ShardsPrefix}{PerNode}");
    }

    /// <summary>Nodes have random samples, of sizes in proportions drawn from a symmetric Dirichlet distribution.</summary>
    /// <param name="Alpha">Above 0, at most a million.</param>
    public sealed record Sizes(double Alpha) : PartitionSpec
    {
        /// <inheritdoc/>
        public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{SizesPrefix}{Alpha}");
    }

    /// <summary>Nodes have random samples, the k-th largest k to the power of -A times as many as the largest.</summary>
    /// <param name="Exponent">A, above 0 to 10.</param>
    public sealed record PowerLaw(double Exponent) : PartitionSpec
    {
        /// <inheritdoc/>
        public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{PowerPrefix}{Exponent}");
    }

    /// <summary>Reads what <see cref="Allowed"/> describes.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out PartitionSpec? spec)
    {
        spec = null;
        if (text == "iid")
            spec = new Iid();
        else if (text.StartsWith(ClassesPrefix, StringComparison.Ordinal)
            && int.TryParse(text.AsSpan(ClassesPrefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var classes)
            && classes is >= 1 and <= 10)
            spec = new Classes(classes);
        else if (NumberAfter(DirichletPrefix, text) is > 0 and <= 1_000_000 and var alpha)
            spec = new Dirichlet(alpha);
        else if (NumberAfter(SizesPrefix, text) is > 0 and <= 1_000_000 and var spread)
            spec = new Sizes(spread);
        else if (NumberAfter(PowerPrefix, text) is > 0 and <= 10 and var exponent)
            spec = new PowerLaw(exponent);
        else if (NumberAfter(ShardsPrefix, text) is >= 1 and <= 1000 and var shards && shards == Math.Floor(shards))
            spec = new Shards((int)shards);
        return spec is not null;
    }

    private static double? NumberAfter(string prefix, string text) =>
        text.StartsWith(prefix, StringComparison.Ordinal) && double.TryParse(text.AsSpan(prefix.Length), NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : null;

    /// <summary>Reads what <see cref="Allowed"/> describes.</summary>
    /// <exception cref="InvalidSettingException">Anything else.</exception>
    public static PartitionSpec Parse(string text) => TryParse(text, out var spec)
        ? spec
        : throw new InvalidSettingException($"'{text}' is not a partition; allowed are {Allowed}.");
}

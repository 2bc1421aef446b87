using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace MantaLight.Cli.Data;

/// <summary>How training samples are shared out over nodes.</summary>
internal abstract record PartitionSpec
{
    /// <summary>What the command line takes.</summary>
    public const string Allowed = "iid, non-iid-K (K classes per node, 1 to 10) or dirichlet:ALPHA (above 0, at most 1000000; the smaller the more uneven)";

    private const string ClassesPrefix = "non-iid-";
    private const string DirichletPrefix = "dirichlet:";

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
        else if (text.StartsWith(DirichletPrefix, StringComparison.Ordinal)
            && double.TryParse(text.AsSpan(DirichletPrefix.Length), NumberStyles.Float, CultureInfo.InvariantCulture, out var alpha)
            && alpha is > 0 and <= 1_000_000)
            spec = new Dirichlet(alpha);
        return spec is not null;
    }

    /// <summary>Reads what <see cref="Allowed"/> describes.</summary>
    /// <exception cref="InvalidSettingException">Anything else.</exception>
    public static PartitionSpec Parse(string text) => TryParse(text, out var spec)
        ? spec
        : throw new InvalidSettingException($"'{text}' is not a partition; allowed are {Allowed}.");
}

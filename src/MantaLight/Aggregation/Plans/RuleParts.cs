using System.Globalization;
using MantaLight.Aggregation.Rules;
using MantaLight.Privacy;

namespace MantaLight.Aggregation.Plans;

/// <summary>The rules by name.</summary>
internal static class RuleParts
{
    private const string Samples = "samples", Uniform = "uniform";

    /// <summary>Their names.</summary>
    public static IReadOnlyList<string> Names { get; } = ["mean", "fed_nova", "fed_buff", ScaffoldPart.Name, "private_mean", "median", "trimmed_mean", "krum", "multi_krum", "bulyan", "geometric_median", "centered_clip"];

    /// <summary>The rule of a part; null where it is none.</summary>
    /// <exception cref="InvalidSettingException">An option is not possible.</exception>
    public static IAggregationRule? Read(PartText part) => part.Name switch
    {
        "mean" => MeanOf(part, part.Text("weights") ?? Samples),
        "fed_nova" => new NormalizedMean(PathOf(part, part.Text("metric") ?? NormalizedMean.UsualMetric)),
        "fed_buff" => new BufferedMean(part.Number("lr", n => n > 0, "a number above 0", isPositional: true) ?? 1, ExponentOf(part)),
        "private_mean" => PrivateMean(part),
        "median" => new Median(),
        "trimmed_mean" => TrimmedMean(part),
        "krum" => new Krum(Byzantine(part), kept: null, isMulti: false),
        "multi_krum" => new Krum(Byzantine(part), part.Whole("m", 1, isPositional: true), isMulti: true),
        "bulyan" => new Bulyan(Byzantine(part)),
        "geometric_median" or "rfa" => new GeometricMedian(
            part.Whole("iterations", 1, isPositional: true) ?? 3, part.Number("smoothing", n => n > 0, "a number above 0") ?? 1e-6, IsWeighted(part)),
        "centered_clip" => new CenteredClipping(
            part.Number("radius", n => n > 0, "a number above 0", isPositional: true) ?? throw Missing(part, "radius", "centered_clip 1.0"), part.Whole("iterations", 1) ?? 1),
        ScaffoldPart.Name => ScaffoldPart.Read(part),
        _ => null,
    };

    private static double ExponentOf(PartText part)
    {
        const string polynomial = "polynomial:";
        var text = part.Text("staleness") ?? "polynomial:0.5";
        if (text == "constant")
            return 0;
        if (text.StartsWith(polynomial, StringComparison.Ordinal) && double.TryParse(text[polynomial.Length..], NumberStyles.Float, CultureInfo.InvariantCulture, out var exponent) && exponent is > 0 and <= 100)
            return exponent;
        throw new InvalidSettingException($"'{part.Name}' takes 'constant', or 'polynomial:A' with A above 0 and at most 100, as 'staleness', not '{text}'.");
    }

    private static IAggregationRule MeanOf(PartText part, string weights) => weights switch
    {
        Samples => new Mean(isWeighted: true),
        Uniform => new Mean(isWeighted: false),
        _ => new MeanBy(PathOf(part, weights)),
    };

    private static string PathOf(PartText part, string path) => MetricPath.IsPath(path)
        ? path
        : throw new InvalidSettingException($"'{part.Name}' takes {(part.Name == "mean" ? "samples, uniform or " : "")}a number in nodes' results, as in train_metrics.loss, not '{path}'.");

    private static PrivateMean PrivateMean(PartText part)
    {
        static bool IsAboveZero(double number) => number > 0;
        var noise = part.Number("noise", IsAboveZero, "a number above 0", isPositional: true) ?? throw Missing(part, "noise", "private_mean noise=1.1 expected=10");
        var expected = part.Number("expected", IsAboveZero, "a number above 0") ?? throw Missing(part, "expected", "private_mean noise=1.1 expected=10");
        var delta = part.Number("delta", d => d is >= 1e-12 and < 1, "a number of 1e-12 to below 1") ?? 1e-5;
        var budget = part.Number("budget", IsAboveZero, "a number above 0");
        var isSeeded = part.Word("noise_source", "secret", "seed") == "seed";
        if (part.Word("scheme", "poisson", "fixed") == "fixed")
            return new PrivateMean(FixedSize(part, noise, expected) with { Delta = delta, Budget = budget, IsSeeded = isSeeded }, expected);
        var sampling = part.Number("sampling", q => q is > 0 and <= 1, "a probability above 0 and at most 1") ?? 1;
        return new PrivateMean(new PrivacyTerms(new SampledGaussian(sampling, noise), delta, budget, part.Word("accountant", "rdp", "pld") == "pld", isSeeded), expected);
    }

    /// <summary>So many of a population in each round. A definition's seed chooses them, and who has it knows whom: that counts as sampling only against who does not.</summary>
    private static PrivacyTerms FixedSize(PartText part, double noise, double expected)
    {
        if (expected != Math.Floor(expected))
            throw new InvalidSettingException("'private_mean' takes a whole number as 'expected' with scheme=fixed: so many take part.");
        var population = part.Whole("population", 1) ?? throw Missing(part, "population", "private_mean noise=1.1 expected=10 scheme=fixed population=50");
        if (population < expected)
            throw new InvalidSettingException($"'private_mean' takes a population of at least those who are expected, {expected}, not {population}.");
        var isSecret = part.Word("choice", "public", "secret") == "secret";
        var mechanism = new SampledGaussian(isSecret ? expected / population : 1, noise, SamplingScheme.Fixed);
        var isPld = part.Word("accountant", "rdp", "pld") == "pld";
        if (isPld && mechanism.Sampling < 1)
            throw new InvalidSettingException("'private_mean' takes accountant=rdp where a fixed number is chosen in secret: the distribution of the privacy loss is counted for Poisson sampling.");
        return new PrivacyTerms(mechanism, 0, null, isPld, IsSeeded: false) { Population = population, IsChoiceSecret = isSecret };
    }

    private static bool IsWeighted(PartText part) => part.Word("weights", Samples, Uniform) != Uniform;

    private static int Byzantine(PartText part) => part.Whole("f", 0, isPositional: true) ?? throw Missing(part, "f", $"{part.Name} f=2");

    private static TrimmedMean TrimmedMean(PartText part)
    {
        var number = part.Whole("b", 0);
        var share = part.Number("share", n => n is >= 0 and < 0.5, "a share of 0 to below 0.5", isPositional: true);
        if (number is null == share is null)
            throw new InvalidSettingException("'trimmed_mean' takes either the share that is dropped at each end, as in 'trimmed_mean 0.1', or how many, as in 'trimmed_mean b=2'.");
        return new TrimmedMean(share, number);
    }

    private static InvalidSettingException Missing(PartText part, string key, string example) => new($"'{part.Name}' needs '{key}', as in '{example}'.");
}

using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using MantaLight.Aggregation.Noise;
using MantaLight.Aggregation.Plans;
using MantaLight.Diagnostics;
using MantaLight.Privacy;
using MantaLight.Weights;

namespace MantaLight.Aggregation.Perturbation;

/// <summary>
/// What a node does to its contribution before anything of it leaves: the difference from the model before is shortened, and gets noise. In JSON a list such as <c>["clip 1.0", "gaussian 0.8"]</c>, each part as a text or an
/// object. Whatever a node's data are, the differences of two of them are no further apart than twice the norm: that is what noise hides.
/// </summary>
[JsonConverter(typeof(Converter))]
public sealed class LocalPrivacy
{
    private const string Clip = "clip", Gaussian = "gaussian", Laplace = "laplace";
    private const int MostParts = 4;

    private readonly double? norm;
    private readonly bool isSumOfSizes;
    private readonly double noise;
    private readonly bool isGaussian;
    private readonly bool isSeeded;

    private LocalPrivacy(double? norm, bool isSumOfSizes, PartText part)
    {
        (this.norm, this.isSumOfSizes) = (norm, isSumOfSizes);
        isGaussian = part.Name == Gaussian;
        Delta = part.Number("delta", d => d is >= 1e-12 and < 1, "a number of 1e-12 to below 1") ?? 1e-5;
        Budget = part.Number("budget", n => n > 0, "a number above 0");
        isSeeded = part.Word("noise_source", "secret", "seed") == "seed";
        var epsilon = part.Number("epsilon", n => n > 0, "a number above 0");
        var amount = part.Number(isGaussian ? "noise" : "b", n => n > 0, "a number above 0", isPositional: true);
        if (amount is null == epsilon is null)
            throw new InvalidSettingException($"'{part.Name}' takes either {(isGaussian ? "the noise in units of the clipping norm, as in 'gaussian 0.8'" : "the scale of the noise, as in 'laplace b=0.01'")}, or what a round may spend, as in '{part.Name} epsilon=2'.");
        if (isGaussian && (norm is null || isSumOfSizes))
            throw new InvalidSettingException("'gaussian' needs 'clip' before it, as in [\"clip 1.0\", \"gaussian 0.8\"]: noise hides what is no longer than that.");
        if (epsilon is not null && !isGaussian && !isSumOfSizes)
            throw new InvalidSettingException("'laplace epsilon=…' needs 'clip 1.0 norm=l1' before it: its noise hides the sum of what all elements may change by.");
        noise = amount ?? (isGaussian ? 2 * AnalyticGaussian.Calibrate(epsilon!.Value, Delta) : 2 * norm!.Value / epsilon!.Value);
        if (isGaussian)
            _ = new SampledGaussian(1, noise, SamplingScheme.Fixed);
    }

    /// <summary>δ of the ε that is told.</summary>
    public double Delta { get; }

    /// <summary>The most ε that all rounds together may have; null for no end.</summary>
    public double? Budget { get; }

    /// <summary>Whether there is an ε at all, and nobody can know the noise.</summary>
    public bool IsPrivate => norm is not null && !isSeeded;

    /// <summary>What its noise does not do, for who asked for it; null where there is nothing to say.</summary>
    public string? Weakness => isSeeded
        ? "the noise of 'local_privacy' is of the seed: not private, a reproducible run"
        : isGaussian ? null
        : norm is null
            ? "'laplace' without 'clip' hides nothing: a difference may be of any length, and no noise is enough for that. Clip it before, as in [\"clip 1.0 norm=l1\", \"laplace epsilon=2\"]"
            : isSumOfSizes ? null
            : "'laplace' hides the sum of what all elements may change by, which with 'clip' by the usual norm grows as the root of their number: its ε is large. Take [\"clip 1.0\", \"gaussian 0.8\"], or clip by norm=l1";

    /// <summary>The parts, in their order.</summary>
    public IReadOnlyList<string> Parts =>
    [
        .. norm is { } most ? [string.Create(CultureInfo.InvariantCulture, $"{Clip} {most}{(isSumOfSizes ? " norm=l1" : "")}")] : Array.Empty<string>(),
        string.Create(CultureInfo.InvariantCulture, $"{(isGaussian ? Gaussian + " " : Laplace + " b=")}{noise} delta={Delta}{(Budget is { } budget ? $" budget={budget}" : "")}{(isSeeded ? " noise_source=seed" : "")}"),
    ];

    /// <summary>Reads it.</summary>
    /// <exception cref="InvalidSettingException">A part is not known, has options that are not possible, or stands twice or too late.</exception>
    public static LocalPrivacy Parse(params IEnumerable<string> parts) => Read(parts.Select(PartText.Parse));

    /// <summary>A ledger with one more round in it.</summary>
    /// <param name="ledger">What was spent before.</param>
    /// <param name="elements">How many elements of floats a contribution has.</param>
    /// <param name="rounds">How many rounds.</param>
    public PrivacyLedger Spend(PrivacyLedger ledger, long elements, int rounds = 1) => (isGaussian, norm) switch
    {
        (true, _) => ledger.Add(new SampledGaussian(1, noise, SamplingScheme.Fixed), rounds),
        // Of a vector with a Euclidean norm C the sizes of its elements add up to C √d at most.
        (false, { } most) => ledger with { Pure = ledger.Pure + (rounds * 2 * most * (isSumOfSizes ? 1 : Math.Sqrt(elements)) / noise) },
        _ => ledger,
    };

    /// <summary>ε of a ledger; null where there is none.</summary>
    public double? EpsilonOf(PrivacyLedger ledger) => norm is null ? null : ledger.ExactEpsilon(Delta);

    /// <summary>What is sent in place of a contribution. Integers and booleans stay those of the model before: they would tell what is not protected.</summary>
    /// <param name="before">The model before.</param>
    /// <param name="after">The contribution, of the same layout.</param>
    /// <param name="seed">The attempt's, which counts only where a reproducible run was asked for.</param>
    /// <returns>A copy, to be disposed.</returns>
    /// <exception cref="TaskContractException">The layouts differ, or an element is not finite.</exception>
    public NamedArrays Apply(NamedArrays before, NamedArrays after, ulong seed)
    {
        var source = isSeeded ? NoiseSource.OfSeed(seed) : NoiseSource.Secret;
        return new Perturbation(before, after).Apply(norm ?? double.PositiveInfinity, isSumOfSizes, (values, array, first) =>
        {
            if (isGaussian)
                source.Fill(values, array, first);
            else
                source.FillLaplace(values, array, first);
            return isGaussian ? noise * norm!.Value : noise;
        });
    }

    private static LocalPrivacy Read(IEnumerable<PartText> parts)
    {
        double? norm = null;
        var isSumOfSizes = false;
        LocalPrivacy? read = null;
        foreach (var part in parts)
        {
            switch (part.Name)
            {
                case Clip when norm is null && read is null:
                    norm = part.Number("most", n => n > 0, "a number above 0", isPositional: true) ?? throw new InvalidSettingException("'clip' needs the longest that a difference may be, as in 'clip 1.0'.");
                    isSumOfSizes = part.Word("norm", "l2", "l1") == "l1";
                    break;
                case Gaussian or Laplace when read is null:
                    read = new LocalPrivacy(norm, isSumOfSizes, part);
                    break;
                case Clip or Gaussian or Laplace:
                    throw new InvalidSettingException($"'{part.Name}' stands there twice or too late: the order is clip, then gaussian or laplace.");
                default:
                    string[] known = [Clip, Gaussian, Laplace];
                    throw new InvalidSettingException($"'{part.Name}' is no part of local privacy{(KnownNames.Nearest(part.Name, known) is { } near ? $" (did you mean '{near}'?)" : "")}; known are: {string.Join(", ", known)}.");
            }
            part.End();
        }
        return read ?? throw new InvalidSettingException("Local privacy needs noise, as in [\"clip 1.0\", \"gaussian 0.8\"].");
    }

    private sealed class Converter : JsonConverter<LocalPrivacy>
    {
        public override LocalPrivacy Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            var json = JsonElement.ParseValue(ref reader);
            try
            {
                return json.ValueKind switch
                {
                    JsonValueKind.String => Parse(json.GetString()!),
                    JsonValueKind.Array when json.GetArrayLength() <= MostParts => LocalPrivacy.Read(json.EnumerateArray().Select(PartText.Parse)),
                    _ => throw new InvalidSettingException("Local privacy is a list of parts, such as [\"clip 1.0\", \"gaussian 0.8\"]."),
                };
            }
            catch (InvalidSettingException e)
            {
                throw new JsonException(e.Message, e);
            }
        }

        public override void Write(Utf8JsonWriter writer, LocalPrivacy value, JsonSerializerOptions options)
        {
            writer.WriteStartArray();
            foreach (var part in value.Parts)
                writer.WriteStringValue(part);
            writer.WriteEndArray();
        }
    }
}

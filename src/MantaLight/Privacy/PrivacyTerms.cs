using System.Globalization;

namespace MantaLight.Privacy;

/// <summary>What a mechanism that is run each round is accounted for by.</summary>
/// <param name="Mechanism">One round.</param>
/// <param name="Delta">δ, above 0 and below 1.</param>
/// <param name="Budget">The most ε that all rounds together may have; null for no end.</param>
/// <param name="IsPld">Whether by the distribution of the privacy loss, in place of Rényi's divergence.</param>
/// <param name="IsSeeded">Whether the noise comes of the seed: then nothing is private.</param>
internal sealed record PrivacyTerms(SampledGaussian Mechanism, double Delta, double? Budget, bool IsPld, bool IsSeeded)
{
    /// <summary>Of how many a fixed number is drawn; null where each draws for itself.</summary>
    public int? Population { get; init; }

    /// <summary>Whether nobody from whom something is to be hidden can know whom a fixed number was.</summary>
    public bool IsChoiceSecret { get; init; }

    /// <summary>As options of a part are written.</summary>
    public string Text => string.Create(
        CultureInfo.InvariantCulture,
        $" {Sampling} delta={Delta}{(Budget is { } most ? $" budget={most}" : "")} accountant={(IsPld ? "pld" : "rdp")}{(IsSeeded ? " noise_source=seed" : "")}");

    private string Sampling => Population is { } population
        ? string.Create(CultureInfo.InvariantCulture, $"scheme=fixed population={population} choice={(IsChoiceSecret ? "secret" : "public")}")
        : string.Create(CultureInfo.InvariantCulture, $"sampling={Mechanism.Sampling}");
}

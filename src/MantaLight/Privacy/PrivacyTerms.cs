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
    /// <summary>As options of a part are written.</summary>
    public string Text => string.Create(
        CultureInfo.InvariantCulture,
        $" sampling={Mechanism.Sampling} delta={Delta}{(Budget is { } most ? $" budget={most}" : "")} accountant={(IsPld ? "pld" : "rdp")}{(IsSeeded ? " noise_source=seed" : "")}");
}

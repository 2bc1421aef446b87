using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace MantaLight.Privacy;

/// <summary>What has been spent so far: how often which mechanism was run.</summary>
/// <param name="Entries">One for each mechanism, in the order in which they were first run.</param>
public sealed record PrivacyLedger(ImmutableArray<PrivacyEntry> Entries)
{
    /// <summary>Nothing spent.</summary>
    public static PrivacyLedger Empty { get; } = new([]);

    /// <summary>What mechanisms have spent that have an ε of their own, without a δ: their sum.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public double Pure { get; init; }

    /// <summary>All runs together.</summary>
    [JsonIgnore]
    public long Steps => Entries.Sum(e => e.Steps);

    /// <summary>With some more runs of a mechanism.</summary>
    public PrivacyLedger Add(SampledGaussian mechanism, long steps)
    {
        for (var i = 0; i < Entries.Length; i++)
        {
            if (Entries[i].Mechanism == mechanism)
                return this with { Entries = Entries.SetItem(i, Entries[i] with { Steps = Entries[i].Steps + steps }) };
        }
        return this with { Entries = Entries.Add(new PrivacyEntry(mechanism.Sampling, mechanism.Noise, steps, mechanism.Scheme)) };
    }

    /// <summary>ε of all of it. Where there were several mechanisms, Rényi's divergences add up whichever accountant is asked for.</summary>
    /// <param name="delta">δ, above 0 and below 1.</param>
    /// <param name="isPld">Whether by the distribution of the privacy loss, in place of Rényi's divergence.</param>
    public double Epsilon(double delta, bool isPld = false) => Pure + ((isPld, Entries) switch
    {
        (_, []) => 0,
        (true, [var only]) => PldAccountant.Epsilon(only.Mechanism, only.Steps, delta),
        _ => new RdpAccountant().Epsilon([.. Entries.Select(e => (e.Mechanism, e.Steps))], delta).Epsilon,
    });

    /// <summary>ε of all of it, exactly, where all take part in each step (<see cref="AnalyticGaussian"/>).</summary>
    internal double ExactEpsilon(double delta) =>
        Pure + AnalyticGaussian.Epsilon(Math.Sqrt(Entries.Sum(e => e.Steps * Math.Pow((e.Scheme == SamplingScheme.Fixed ? 2 : 1) / e.Noise, 2))), delta);
}

/// <summary>How often a mechanism was run.</summary>
/// <param name="Sampling">Its sampling probability.</param>
/// <param name="Noise">Its noise multiplier.</param>
/// <param name="Steps">How often.</param>
/// <param name="Scheme">How those who take part are chosen.</param>
public sealed record PrivacyEntry(
    double Sampling, double Noise, long Steps, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] SamplingScheme Scheme = SamplingScheme.Poisson)
{
    internal SampledGaussian Mechanism => new(Sampling, Noise, Scheme);
}

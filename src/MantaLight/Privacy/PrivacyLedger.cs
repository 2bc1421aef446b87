using System.Collections.Immutable;

namespace MantaLight.Privacy;

/// <summary>What has been spent so far: how often which mechanism was run.</summary>
/// <param name="Entries">One for each mechanism, in the order in which they were first run.</param>
public sealed record PrivacyLedger(ImmutableArray<PrivacyEntry> Entries)
{
    /// <summary>Nothing spent.</summary>
    public static PrivacyLedger Empty { get; } = new([]);

    /// <summary>All runs together.</summary>
    public long Steps => Entries.Sum(e => e.Steps);

    /// <summary>With some more runs of a mechanism.</summary>
    public PrivacyLedger Add(SampledGaussian mechanism, long steps)
    {
        for (var i = 0; i < Entries.Length; i++)
        {
            if (Entries[i].Sampling == mechanism.Sampling && Entries[i].Noise == mechanism.Noise)
                return new PrivacyLedger(Entries.SetItem(i, Entries[i] with { Steps = Entries[i].Steps + steps }));
        }
        return new PrivacyLedger(Entries.Add(new PrivacyEntry(mechanism.Sampling, mechanism.Noise, steps)));
    }

    /// <summary>ε of all of it. Where there were several mechanisms, Rényi's divergences add up whichever accountant is asked for.</summary>
    internal double Epsilon(double delta, bool isPld) => (isPld, Entries) switch
    {
        (_, []) => 0,
        (true, [var only]) => PldAccountant.Epsilon(only.Mechanism, only.Steps, delta),
        _ => new RdpAccountant().Epsilon([.. Entries.Select(e => (e.Mechanism, e.Steps))], delta).Epsilon,
    };
}

/// <summary>How often a mechanism was run.</summary>
/// <param name="Sampling">Its sampling probability.</param>
/// <param name="Noise">Its noise multiplier.</param>
/// <param name="Steps">How often.</param>
public sealed record PrivacyEntry(double Sampling, double Noise, long Steps)
{
    internal SampledGaussian Mechanism => new(Sampling, Noise);
}

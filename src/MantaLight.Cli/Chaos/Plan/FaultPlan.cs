using System.Collections.Immutable;
using MantaLight.Cli.Chaos.Watch;
using MantaLight.Cli.Data;

namespace MantaLight.Cli.Chaos.Plan;

/// <summary>What a plan needs to know of a kind of fault.</summary>
/// <param name="Name">As in reports.</param>
/// <param name="Weight">How often it comes, against others.</param>
/// <param name="Role">Who is struck.</param>
/// <param name="AtWork">Whether it means nothing while attempts wait.</param>
/// <param name="Kills">Whether whoever is struck leaves its work undone.</param>
internal sealed record FaultKind(string Name, int Weight, FaultRole Role, bool AtWork = false, bool Kills = false);

/// <summary>A fault that is to come.</summary>
/// <param name="Number">From 1.</param>
/// <param name="Kind">Its kind.</param>
/// <param name="Round">In which round.</param>
/// <param name="Alias">In which of the round's tasks.</param>
/// <param name="AtWork">Whether it comes while the task computes, or before it does.</param>
/// <param name="Moment">Where in the task's work, 0 to 1.</param>
/// <param name="Seed">Where its own choices come from.</param>
internal sealed record PlannedFault(int Number, FaultKind Kind, int Round, string Alias, bool AtWork, double Moment, ulong Seed);

/// <summary>The faults of a trial: a function of the seed, the rounds, the graph and the kinds.</summary>
internal static class FaultPlan
{
    private const ulong Stream = 0xC4A05;

    // Some work may be over before the fault comes.
    private const double LatestMoment = 1.1;

    /// <summary>Plans them, in the order in which they come.</summary>
    /// <exception cref="ChaosException">No kind is possible.</exception>
    public static ImmutableArray<PlannedFault> Create(ulong seed, int rounds, int faults, Roles roles, IReadOnlyCollection<FaultKind> kinds)
    {
        FaultKind[] possible = [.. kinds.Where(k => !roles.StagesOf(k.Role).IsEmpty)];
        if (possible.Length == 0)
            throw new ChaosException("None of the kinds of faults is possible with this definition.");
        var random = new SeededRandom(seed, Stream);
        var dealt = Deal(possible, faults);
        random.Shuffle<FaultKind>(dealt);
        var order = roles.Stages.Select((t, i) => (t.Alias, i)).ToDictionary(s => s.Alias, s => s.i, StringComparer.Ordinal);
        // A task for one node works once: in half of the rounds a fault that means nothing otherwise finds it at that, else another one.
        var taken = new HashSet<(int, string)>();
        for (var round = 1; round <= rounds; round++)
            taken.UnionWith(roles.Stages.Where(s => roles.IsForOneNode(s.Alias) && random.Next(2) == 0).Select(s => (round, s.Alias)));
        return
        [
            .. dealt
                .Select((kind, i) => Place(kind, 1 + (int)((long)i * rounds / faults), roles, taken, random))
                // What comes at work last: it lets the task go on, unless it leaves it undone.
                .OrderBy(f => f.Round).ThenBy(f => order[f.Alias]).ThenBy(f => f.AtWork).ThenBy(f => f.AtWork && !f.Kind.Kills).ThenBy(f => f.AtWork == f.Kind.AtWork)
                .Select((fault, i) => fault with { Number = i + 1 }),
        ];
    }

    private static PlannedFault Place(FaultKind kind, int round, Roles roles, HashSet<(int, string)> taken, SeededRandom random)
    {
        var stages = roles.StagesOf(kind.Role);
        var alias = stages[random.Next(stages.Length)];
        if (kind.AtWork)
        {
            if (kind.Role == FaultRole.Reader)
                alias = stages.FirstOrDefault(a => roles.IsForOneNode(a) && !taken.Contains((round, a)), alias);
            if (roles.IsForOneNode(alias) && !taken.Add((round, alias)))
                alias = stages.FirstOrDefault(a => !roles.IsForOneNode(a), alias);
        }
        var atWork = kind.AtWork || random.Next(2) == 0;
        return new PlannedFault(0, kind, round, alias, atWork, random.NextDouble() * LatestMoment, random.NextUInt64());
    }

    /// <summary>Each kind once before any comes twice, then by weight.</summary>
    private static FaultKind[] Deal(FaultKind[] kinds, int faults)
    {
        var dealt = new List<FaultKind>(kinds.Take(faults));
        var given = kinds.ToDictionary(k => k, _ => 1);
        while (dealt.Count < faults)
        {
            var next = kinds.MinBy(k => (double)given[k] / k.Weight)!;
            given[next]++;
            dealt.Add(next);
        }
        return [.. dealt];
    }
}

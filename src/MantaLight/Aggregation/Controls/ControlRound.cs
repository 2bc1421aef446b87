using MantaLight.Aggregation.Optimizers;
using MantaLight.Aggregation.Rules;
using MantaLight.Concurrency;
using MantaLight.Tasks;
using MantaLight.Weights;
using MantaLight.Weights.Sources;

namespace MantaLight.Aggregation.Controls;

/// <summary>
/// The server's control variate in a round of SCAFFOLD (Karimireddy et al. 2020, equation 5): c += (1/N) Σ (c_i⁺ - c_i) over those who take part, which keeps it the mean of the c_i of all N participants. It is
/// committed with the model, and with a ledger of whose c_i are in it.
/// </summary>
internal sealed class ControlRound : IDisposable
{
    private readonly string global;
    private readonly ControlTerms terms;
    private readonly ControlLedger? ledger;
    private readonly NamedArrays before;
    private readonly Contributions differences;
    private readonly Dictionary<string, ControlStanding> standings;
    private readonly Dictionary<string, string> objections;

    private ControlRound(string global, ControlTerms terms, ControlLedger? ledger, NamedArrays before, Contributions differences, Dictionary<string, ControlStanding> standings, Dictionary<string, string> objections) =>
        (this.global, this.terms, this.ledger, this.before, this.differences, this.standings, this.objections) = (global, terms, ledger, before, differences, standings, objections);

    /// <summary>Reads what the round's nodes have sent, and c.</summary>
    /// <exception cref="TaskContractException">c is of another model.</exception>
    public static async Task<ControlRound> OpenAsync(World world, AggregationOptions tags, ControlTerms terms, NamedArrays model, CancellationToken cancellationToken)
    {
        var (variate, book) = (ControlTags.Variate(tags.Global), ControlTags.Ledger(tags.Global));
        var ledger = world.Globals.Contains(book) ? await world.Globals.GetAsync<ControlLedger>(book, cancellationToken) : null;
        var before = ledger is null ? ServerStep.Begin(model, 0) : await world.Globals.GetWeightsAsync(variate, cancellationToken);
        try
        {
            if (ServerStep.Misfit(model, before) is { } misfit)
                throw new TaskContractException($"The global '{variate}' is not the control variate of '{tags.Global}': {misfit}. Give it another tag, or start the swarm anew.");
            var standings = await StandingsAsync(world, ControlTags.Standing(tags.Contributions), cancellationToken);
            var differences = await Contributions.OpenAsync(
                world.Results.Select(ControlTags.Difference(tags.Contributions)), [.. before.Select(ArrayHeader.Of)], null, cancellationToken,
                result => !standings.TryGetValue(result.Node, out var standing) ? "It does not tell how its control variate stands."
                    : standing.Begun != (ledger?.Begun ?? 1) ? $"Its control variate is of beginning {standing.Begun}, where {ledger?.Begun ?? 1} is expected." : null);
            var objections = differences.Refused.ToDictionary(r => r.Node, r => $"Its control variate does not fit: {r.Reason}", StringComparer.Ordinal);
            return new ControlRound(tags.Global, terms, ledger, before, differences, standings, objections);
        }
        catch
        {
            before.Dispose();
            throw;
        }
    }

    /// <summary>Why a node's model is not combined: who counts in the one and not in the other would bend c for good. Null where it is.</summary>
    public string? Objection(Result model) => objections.TryGetValue(model.Node, out var reason) ? reason
        : differences.Accepted.Any(d => d.Node == model.Node) ? null
        : "It came without the difference of its control variate: the hyper-parameters need \"control_variates\": \"scaffold\".";

    /// <summary>Sets c and its ledger, and tells of them.</summary>
    /// <param name="world">The task's.</param>
    /// <param name="accepted">Whose models were combined.</param>
    /// <param name="round">The round.</param>
    /// <param name="cancellationToken">Ends it between blocks.</param>
    /// <exception cref="TaskContractException">More have taken part than there are said to be, or an element is not finite.</exception>
    public void End(World world, IReadOnlyList<Result> accepted, int round, CancellationToken cancellationToken)
    {
        var nodes = accepted.Select(r => r.Node).ToHashSet(StringComparer.Ordinal);
        var known = ledger ?? ControlLedger.Begin(1);
        if (nodes.Any(n => standings[n].Lost))
        {
            // What c has of that node can be taken out by nobody.
            using var zero = ServerStep.Begin(before, 0);
            Set(world, zero, ControlLedger.Begin(known.Begun + 1));
            return;
        }
        var next = known.With(nodes, round);
        if (terms.Participants < next.Rounds.Count)
            throw new TaskContractException($"{next.Rounds.Count} nodes have taken part, where 'scaffold' has participants={terms.Participants}: say how many there are, or leave it out.");
        // Where it is not said how many there are, c is the mean over those who have been seen.
        double from = terms.Participants ?? known.Rounds.Count, to = terms.Participants ?? next.Rounds.Count;
        var taking = differences.Sources.Where((_, place) => nodes.Contains(differences.Accepted[place].Node)).ToArray();
        using var reference = WeightsSource.Of(new NamedArrays(before));
        var blend = new Blend([.. Enumerable.Repeat(1.0, taking.Length), from], to);
        using var variate = BlockRules.Pass([.. taking, reference], blend, Workers.Most, cancellationToken);
        Set(world, variate, next);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        differences.Dispose();
        before.Dispose();
    }

    private void Set(World world, NamedArrays variate, ControlLedger next)
    {
        world.Globals.SetWeights(ControlTags.Variate(global), variate);
        world.Globals.Set(ControlTags.Ledger(global), next);
        world.Results.Add("control_variates", new { Participants = terms.Participants ?? next.Rounds.Count, next.Begun });
    }

    private static async Task<Dictionary<string, ControlStanding>> StandingsAsync(World world, string tag, CancellationToken cancellationToken)
    {
        var standings = new Dictionary<string, ControlStanding>(StringComparer.Ordinal);
        foreach (var result in world.Results.Select(tag).Where(r => r.Samples is null))
        {
            try
            {
                standings[result.Node] = await result.GetAsync<ControlStanding>(cancellationToken);
            }
            catch (Exception e) when (e is MalformedDataException or TaskContractException)
            {
                // As if it had told none.
            }
        }
        return standings;
    }
}

/// <summary>How SCAFFOLD's c is kept.</summary>
/// <param name="Participants">N; null for as many as have taken part so far.</param>
internal sealed record ControlTerms(int? Participants);

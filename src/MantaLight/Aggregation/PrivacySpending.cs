using System.Globalization;
using System.Text.Json;
using MantaLight.Privacy;
using MantaLight.Tasks;

namespace MantaLight.Aggregation;

/// <summary>
/// What the rounds of a swarm have spent, in its global <c>privacy</c>: committed with the model of the round that has spent it. An attempt that is repeated may have shown its noise before, so that each counts.
/// The swarm is ended when the next round would exceed the budget.
/// </summary>
internal sealed class PrivacySpending
{
    /// <summary>The tag of the global, and of the result that tells ε and δ.</summary>
    public const string Tag = "privacy";

    private const string Hyperparameters = "hyperparameters";

    private readonly PrivacyTerms terms;
    private readonly PrivacyLedger spent;
    private readonly double epsilon;

    private PrivacySpending(PrivacyTerms terms, PrivacyLedger spent, double epsilon) => (this.terms, this.spent, this.epsilon) = (terms, spent, epsilon);

    /// <summary>Counts this round to those before.</summary>
    /// <exception cref="TaskContractException">It would exceed the budget, or counts on a chance of taking part that the hyper-parameters do not give.</exception>
    public static async Task<PrivacySpending> BeginAsync(World world, PrivacyTerms terms, AttemptContext context, CancellationToken cancellationToken)
    {
        if (terms.Population is null && terms.Mechanism.Sampling < 1 && await ParticipationAsync(world, cancellationToken) is { } drawn && drawn != terms.Mechanism.Sampling)
            throw new TaskContractException(string.Create(
                CultureInfo.InvariantCulture, $"'private_mean' counts on each taking part with probability {terms.Mechanism.Sampling}, and \"participation\" in the hyper-parameters is {drawn}: give both the same, or less would be private than is told."));
        var before = world.Globals.Contains(Tag) ? await world.Globals.GetAsync<PrivacyLedger>(Tag, cancellationToken) : PrivacyLedger.Empty;
        var spent = before.Add(terms.Mechanism, Math.Max(1, context.Attempt));
        var epsilon = spent.Epsilon(terms.Delta, terms.IsPld);
        return terms.Budget is { } most && epsilon > most
            ? throw new TaskContractException(string.Create(CultureInfo.InvariantCulture, $"This round would spend ε = {epsilon:F3} at δ = {terms.Delta:G}, and the budget is {most}: more noise, a lower sampling probability or a larger budget is needed."))
            : new PrivacySpending(terms, spent, epsilon);
    }

    // 1 where the hyper-parameters say nothing of it; null where there are none, as with workers of one's own.
    private static async Task<double?> ParticipationAsync(World world, CancellationToken cancellationToken)
    {
        if (!world.Globals.Contains(Hyperparameters))
            return null;
        var json = await world.Globals.GetJsonAsync(Hyperparameters, cancellationToken);
        return json.ValueKind == JsonValueKind.Object && json.TryGetProperty("participation", out var drawn) && drawn.ValueKind == JsonValueKind.Number ? drawn.GetDouble() : 1;
    }

    /// <summary>Tells what is spent, and asks for the end where another round would exceed the budget.</summary>
    public void End(World world)
    {
        world.Globals.Set(Tag, spent);
        world.Results.Add(Tag, new { Epsilon = Math.Round(epsilon, 6), terms.Delta, spent.Steps, Private = terms.IsSeeded ? 0 : 1 });
        if (terms.Budget is { } most && spent.Add(terms.Mechanism, 1).Epsilon(terms.Delta, terms.IsPld) > most)
            world.StopSwarm(string.Create(CultureInfo.InvariantCulture, $"privacy budget: ε = {epsilon:F3} of {most} is spent, and another round would exceed it"));
    }
}

using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using MantaLight.Aggregation.Perturbation;
using MantaLight.Privacy;
using MantaLight.Tasks;
using MantaLight.Torch.Training;

namespace MantaLight.Torch.Privacy;

/// <summary>
/// What a round costs a node of its data's privacy: counted in its own book before anything is drawn, for each attempt, since what was drawn may be seen whatever becomes of the round. A round that would exceed a budget is not
/// counted, and not trained.
/// </summary>
internal sealed class RoundPrivacy
{
    private readonly JsonObject told = [];

    private RoundPrivacy()
    {
    }

    /// <summary>Why the node does not train; null where it does.</summary>
    public string? SitsOut { get; private set; }

    /// <summary>Counts a round; null where nothing of it is to be private.</summary>
    /// <param name="hyperparameters">What is asked for.</param>
    /// <param name="book">The node's.</param>
    /// <param name="dataset">Whose samples.</param>
    /// <param name="loader">The samples.</param>
    /// <param name="elements">How many floats the model has.</param>
    public static RoundPrivacy? Begin(Hyperparameters hyperparameters, PrivacyBook book, string dataset, DataLoader loader, long elements)
    {
        if (hyperparameters is { DpSgd: null, LocalPrivacy: null })
            return null;
        var round = new RoundPrivacy();
        if (hyperparameters.DpSgd is { } dp)
        {
            var mechanism = new SampledGaussian(new SampleDraw(loader.Count, loader.BatchSize).Probability, dp.Noise);
            var steps = PrivateTraining.StepsOf(hyperparameters, loader);
            round.Spend(book, $"samples of {dataset}", "", rounds => ledger => ledger.Add(mechanism, rounds * steps), ledger => ledger.Epsilon(dp.Delta, dp.IsPld), dp.Delta, dp.Budget, dp.IsPrivate);
        }
        if (hyperparameters.LocalPrivacy is { } local && round.SitsOut is null)
            round.Spend(book, $"contributions of {dataset}", "local_", rounds => ledger => local.Spend(ledger, elements, rounds), local.EpsilonOf, local.Delta, local.Budget, local.IsPrivate);
        return round;
    }

    /// <summary>Metrics with what is told of privacy among them; without the loss, which nothing protects.</summary>
    public JsonObject Among(object metrics)
    {
        var all = (JsonObject)JsonSerializer.SerializeToNode(metrics, TaskJson.Options)!;
        all.Remove("loss");
        foreach (var (name, value) in told)
            all[name] = value?.DeepClone();
        return all;
    }

    private void Spend(
        PrivacyBook book, string what, string prefix, Func<int, Func<PrivacyLedger, PrivacyLedger>> spend, Func<PrivacyLedger, double?> epsilonOf, double delta, double? budget, bool isPrivate)
    {
        double? least = null;
        var ledger = book.Spend(what, before =>
        {
            // A book that is new behind a checkpoint may have missed all rounds before.
            var rounds = 1 + (before == PrivacyLedger.Empty || (before.Entries.IsEmpty && before.Pure == 0) ? book.RoundsBefore : 0);
            var after = spend(rounds)(before);
            least = epsilonOf(after);
            return budget is { } most && !(least <= most) ? before : after;
        });
        var epsilon = epsilonOf(ledger);
        if (budget is { } limit && !(least <= limit))
        {
            SitsOut = least is { } next
                ? string.Create(CultureInfo.InvariantCulture, $"another round would spend ε = {next:F3} at δ = {delta:G} of the {what}, and the budget is {limit}")
                : $"what the round would spend of the {what} has no bound, and there is a budget";
            told["budget_spent"] = 1;
        }
        if (epsilon is { } known)
        {
            told[$"{prefix}epsilon"] = Math.Round(known, 6);
            told[$"{prefix}delta"] = delta;
        }
        told[$"{prefix}private"] = isPrivate ? 1 : 0;
    }
}

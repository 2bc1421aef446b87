using System.Text.Json;
using MantaLight.Tasks;

namespace MantaLight.Aggregation;

/// <summary>The end of a swarm whose nodes have all spent their own budgets of privacy: each sits out by itself, and says so among its metrics.</summary>
internal static class SpentBudgets
{
    /// <summary>The result and the number in it, 1, by which a node says that it trains no more.</summary>
    public const string Metrics = "train_metrics", Key = "budget_spent";

    /// <summary>Ends the swarm where all who were asked sat out for that reason; the model stays as it is.</summary>
    /// <returns>Whether they did.</returns>
    public static async Task<bool> EndAsync(World world, CancellationToken cancellationToken)
    {
        var told = world.Results.Select(Metrics);
        foreach (var result in told)
        {
            if (result.Samples is not null || !IsSpent(await result.GetAsync<JsonElement>(cancellationToken)))
                return false;
        }
        if (told.Count == 0)
            return false;
        world.Results.Add(FedAvg.SummaryTag, AggregationSummary.Of([], 0, []));
        world.StopSwarm($"privacy budget: {(told.Count == 1 ? $"{told[0].Node}, which was asked, has spent its own" : $"all {told.Count} nodes that were asked have spent theirs")}");
        return true;
    }

    private static bool IsSpent(JsonElement metrics) =>
        metrics.ValueKind == JsonValueKind.Object && metrics.TryGetProperty(Key, out var spent) && spent.ValueKind == JsonValueKind.Number && spent.TryGetDouble(out var value) && value == 1;
}

using MantaLight.Tasks;

namespace MantaLight.Aggregation;

/// <summary>What becomes of a round to which nobody contributes, as where all who were asked drop out.</summary>
public enum EmptyRound
{
    /// <summary>The aggregator fails: it is a fault.</summary>
    Fail,

    /// <summary>The model stays as it is, and the round counts.</summary>
    Keep,
}

internal static class EmptyRounds
{
    /// <summary>Leaves the model as it is where that is wanted, and says that nobody was in it.</summary>
    public static bool Keeps(World world, EmptyRound wanted, string global)
    {
        if (wanted != EmptyRound.Keep || !world.Globals.Contains(global))
            return false;
        world.Results.Add(FedAvg.SummaryTag, AggregationSummary.Of([], 0, []));
        return true;
    }
}

using MantaLight.Tables;
using MantaLight.Tasks;

namespace MantaLight.Statistics;

/// <summary>Options of <see cref="MeasureTable"/> and <see cref="CombineMeasures"/>.</summary>
public sealed record MeasureOptions
{
    /// <summary>The data set's name on the node, a CSV file.</summary>
    /// <value><c>table</c>.</value>
    public string Dataset { get; init; } = "table";

    /// <summary>The global that says what the tables look like.</summary>
    /// <value><c>schema</c>.</value>
    public string Schema { get; init; } = "schema";

    /// <summary>The global that says what is to be known.</summary>
    /// <value><c>measures</c>.</value>
    public string Measures { get; init; } = "measures";

    /// <summary>The global that gets what is known.</summary>
    /// <value><c>statistics</c>.</value>
    public string Statistics { get; init; } = "statistics";

    /// <summary>What is to be told.</summary>
    /// <exception cref="TaskContractException">A global is missing or asks for what there is not.</exception>
    internal async Task<(TableSchema Schema, MeasurePlan Plan)> PlanAsync(World world, CancellationToken cancellationToken)
    {
        var schema = await world.Globals.GetAsync<TableSchema>(Schema, cancellationToken);
        // Without it: the moments of all numbers.
        var measures = world.Globals.Contains(Measures) ? await world.Globals.GetAsync<Measures>(Measures, cancellationToken) : new Measures();
        return (schema, new MeasurePlan(schema, measures));
    }

    /// <summary>What is known so far.</summary>
    internal async Task<TableStatistics?> StatisticsAsync(World world, CancellationToken cancellationToken) =>
        world.Globals.Contains(Statistics) ? await world.Globals.GetAsync<TableStatistics>(Statistics, cancellationToken) : null;
}

using MantaLight.Statistics.Noise;
using MantaLight.Tables;
using MantaLight.Tasks;

namespace MantaLight.Statistics;

/// <summary>
/// Tells what the global <c>measures</c> asks for of the node's rows (a CSV file, read by the global <c>schema</c>): counts, means and squared deviations, or with privacy noisy whole numbers, and nothing else.
/// <see cref="CombineMeasures"/> makes statistics of all rows of it. It sits out the rounds in which all is known already.
/// </summary>
[TaskOptions(typeof(MeasureOptions))]
public sealed class MeasureTable : SwarmTask
{
    /// <summary>The tag of the result.</summary>
    public const string ResultTag = "measurements";

    /// <inheritdoc/>
    /// <exception cref="TaskContractException">The measures ask for what there is not, or the budget is spent.</exception>
    /// <exception cref="DatasetException">The data are not there, or not a table of the schema.</exception>
    public override async Task RunAsync(CancellationToken cancellationToken)
    {
        var options = TaskJson.Read<MeasureOptions>(Context.Options, "options of MeasureTable");
        var before = await options.StatisticsAsync(World, cancellationToken);
        if (before is { Done: true })
            return;
        var (schema, plan) = await options.PlanAsync(World, cancellationToken);
        var stage = before?.Stage ?? 0;
        RequireBudget(plan, before, stage);
        var table = await Local.GetTableAsync(options.Dataset, schema, cancellationToken);
        var noise = plan.Measures.Privacy is { } privacy
            ? new Noises(plan.EpsilonOfEach, privacy.NoiseSource == MeasureNoise.Seed ? new SeededBits(Context.Seed) : new SecretBits())
            : null;
        World.Results.Add(ResultTag, new Measurement
        {
            Stage = stage, Attempt = Context.Attempt,
            Columns = plan.Columns.ToDictionary(c => c.Name, c => Measure(c, table.Column(c.Place), stage, before?.Columns[c.Name].Edges, plan, noise), StringComparer.Ordinal),
        });
    }

    private void RequireBudget(MeasurePlan plan, TableStatistics? before, int stage)
    {
        var spent = (before?.Privacy?.Spent ?? 0) + (plan.EpsilonOf(stage) * MeasurePlan.EpsilonUnit * Context.Attempt);
        if (spent > plan.Measures.Privacy?.Budget)
            throw new TaskContractException($"Attempt {Context.Attempt} would bring what may have been seen to an epsilon of {spent}, beyond the budget of {plan.Measures.Privacy.Budget}.");
    }

    private static ColumnMeasurement Measure(MeasuredColumn column, ReadOnlySpan<double> values, int stage, IReadOnlyList<double>? edges, MeasurePlan plan, Noises? noise)
    {
        var told = column.HasMoments && stage == 0 ? noise is null ? Exact(values) : noise.Moments(values, column) : new ColumnMeasurement();
        if (column.Bins > 0 && stage == 0)
        {
            // A category's number is the middle of its cell.
            var bins = column.Column.IsCategory ? Edges.Even(-0.5, column.Bins - 0.5, column.Bins) : Edges.Even(column.Column.Minimum!.Value, column.Column.Maximum!.Value, column.Bins);
            told = told with { Histogram = Noisy(Edges.Count(values, bins), noise) };
        }
        return column.HasQuantiles ? told with { Cells = Noisy(Edges.Count(values, [.. edges ?? QuantileSearch.Begin(column, plan.Measures)]), noise) } : told;
    }

    private static ColumnMeasurement Exact(ReadOnlySpan<double> values)
    {
        var moments = Statistics.Moments.Of(values);
        return new ColumnMeasurement { Count = moments.Count, Mean = moments.Mean, Squares = moments.Squares };
    }

    // One row more or less changes one of the counts by one.
    private static long[] Noisy(long[] counts, Noises? noise) => noise is null ? counts : [.. counts.Select(noise.Count)];

    /// <summary>Noise for what one row changes by at most one, or by at most one in units of <see cref="MeasurePlan.ValueUnit"/>.</summary>
    private sealed class Noises(long epsilon, RandomBits bits)
    {
        private readonly DiscreteLaplace ofCounts = new((ulong)(1 / MeasurePlan.EpsilonUnit), (ulong)epsilon);
        private readonly DiscreteLaplace ofSums = new((ulong)(1 / MeasurePlan.EpsilonUnit / MeasurePlan.ValueUnit), (ulong)epsilon);

        public long Count(long exact) => exact + ofCounts.Next(bits);

        public ColumnMeasurement Moments(ReadOnlySpan<double> values, MeasuredColumn column)
        {
            var (middle, half) = (column.Column.Middle!.Value, column.Column.Half!.Value);
            long count = 0, sum = 0, squares = 0;
            foreach (var value in values)
            {
                if (double.IsNaN(value))
                    continue;
                // Clamped: rounding must not bring a value beyond what the noise is made for.
                var y = Math.Clamp((value - middle) / half, -1, 1);
                count++;
                sum += (long)Math.Round(y / MeasurePlan.ValueUnit);
                squares += (long)Math.Round(y * y / MeasurePlan.ValueUnit);
            }
            return new ColumnMeasurement { Count = Count(count), Sum = sum + ofSums.Next(bits), SumOfSquares = squares + ofSums.Next(bits) };
        }
    }
}

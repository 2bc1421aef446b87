using System.Globalization;
using MantaLight.Diagnostics;
using MantaLight.Statistics.Noise;
using MantaLight.Tasks;

namespace MantaLight.Statistics;

/// <summary>
/// Makes statistics of all nodes' rows out of what <see cref="MeasureTable"/> tells, sets the global <c>statistics</c>, and asks for another round while quantiles are looked for. The same results give the same
/// bits, whatever the order in which they come. It does nothing in the rounds in which all is known already.
/// </summary>
[TaskOptions(typeof(MeasureOptions))]
public sealed class CombineMeasures : SwarmTask
{
    /// <summary>The tag of the result that names whose measurements were left out.</summary>
    public const string SummaryTag = "combined_measures";

    /// <inheritdoc/>
    /// <exception cref="TaskContractException">No node tells anything that can be.</exception>
    public override async Task RunAsync(CancellationToken cancellationToken)
    {
        var options = TaskJson.Read<MeasureOptions>(Context.Options, "options of CombineMeasures");
        var before = await options.StatisticsAsync(World, cancellationToken);
        if (before is { Done: true })
            return;
        var (_, plan) = await options.PlanAsync(World, cancellationToken);
        var told = await AcceptedAsync(plan, before, cancellationToken);
        var stage = before?.Stage ?? 0;
        var done = stage + 1 >= plan.Stages;
        var statistics = new TableStatistics
        {
            Stage = stage + 1, Done = done, Nodes = told.Count,
            Columns = plan.Columns.ToDictionary(
                c => c.Name,
                c => new ColumnUnion(plan, c, [.. told.Select(t => t.Columns[c.Name])]).Combine(stage, done, before?.Columns[c.Name]),
                StringComparer.Ordinal),
            Privacy = plan.Measures.Privacy is { } privacy ? Cost(plan, privacy, (before?.Privacy?.Spent ?? 0) + (plan.EpsilonOf(stage) * MeasurePlan.EpsilonUnit * told.Max(t => t.Attempt))) : null,
        };
        World.Globals.Set(options.Statistics, statistics);
        if (done)
            Tell(statistics);
        else
            World.ScheduleNextRound(reason: string.Create(CultureInfo.InvariantCulture, $"quantiles are narrowed down, {stage + 1} of {plan.Stages} rounds"));
    }

    private void Tell(TableStatistics statistics)
    {
        foreach (var (name, column) in statistics.Columns)
            Log.StatisticsKnown(Logger, statistics.Nodes, name, column.ToString());
        if (statistics.Privacy is { } cost)
            Log.StatisticsCost(Logger, cost.Epsilon, cost.Spent, cost.Private);
    }

    private async Task<List<Measurement>> AcceptedAsync(MeasurePlan plan, TableStatistics? before, CancellationToken cancellationToken)
    {
        var (accepted, refused) = (new List<Measurement>(), new List<string>());
        foreach (var result in World.Results.Select(MeasureTable.ResultTag))
        {
            string? flaw;
            Measurement? measurement = null;
            try
            {
                measurement = await result.GetAsync<Measurement>(cancellationToken);
                flaw = measurement.Flaw(plan, before?.Stage ?? 0, c => (before?.Columns[c.Name].Edges?.Count ?? plan.Measures.QuantileCells + 1) - 1);
            }
            catch (Exception e) when (e is MalformedDataException or TaskContractException)
            {
                flaw = e.Message;
            }
            if (flaw is null)
                accepted.Add(measurement!);
            else
                refused.Add($"{result.Node}: {flaw[..Math.Min(flaw.Length, 200)]}");
        }
        if (accepted.Count == 0)
            throw new TaskContractException($"CombineMeasures has nothing to combine: of {refused.Count} results '{MeasureTable.ResultTag}' none can be used. {string.Join(" ", refused.Take(3))}".TrimEnd());
        World.Results.Add(SummaryTag, new { Nodes = accepted.Count, Refused = refused.Take(16), RefusedCount = refused.Count });
        return accepted;
    }

    private static StatisticsPrivacy Cost(MeasurePlan plan, MeasurePrivacy privacy, double spent) => new()
    {
        Epsilon = plan.EpsilonOfEach * plan.Releases * MeasurePlan.EpsilonUnit,
        Spent = spent,
        Private = privacy.NoiseSource == MeasureNoise.Secret,
        Confidence = MeasurePlan.Confidence,
        Releases = [.. plan.Columns.SelectMany(c => c.Told.Select(t => new PrivacyRelease(c.Name, t.Statistic, t.Sensitivity, t.Rounds, plan.EpsilonOfEach * t.Rounds * MeasurePlan.EpsilonUnit)))],
    };
}

/// <summary>A column's statistics over nodes.</summary>
internal sealed class ColumnUnion(MeasurePlan plan, MeasuredColumn column, ColumnMeasurement[] nodes)
{
    private readonly bool isPrivate = plan.Measures.Privacy is not null;

    public ColumnStatistics Combine(int stage, bool done, ColumnStatistics? before)
    {
        var known = before ?? new ColumnStatistics();
        if (column.HasMoments && stage == 0)
            known = isPrivate ? Private(known) : Exact(known);
        if (column.Bins > 0 && stage == 0)
            known = known with { Histogram = Sum(n => n.Histogram!), HistogramError = isPrivate ? ErrorOfCounts(1) : null };
        if (!column.HasQuantiles)
            return known;
        var edges = known.Edges ?? QuantileSearch.Begin(column, plan.Measures);
        var quantiles = QuantileSearch.Narrow(plan.Measures.Quantiles, edges, Sum(n => n.Cells!), isPrivate ? ErrorOfCounts(edges.Count - 1) : 0, known.Quantiles);
        return known with { Quantiles = quantiles, Edges = done ? null : QuantileSearch.Next(quantiles, edges, plan.Measures.QuantileCells) };
    }

    private ColumnStatistics Exact(ColumnStatistics known)
    {
        var moments = nodes.Aggregate(default(Moments), (sum, n) => sum.With(new Moments(n.Count!.Value, n.Mean!.Value, n.Squares!.Value)));
        return moments.Count == 0 ? known with { Count = 0 } : known with
        {
            Count = moments.Count, Mean = moments.Mean, Variance = moments.Variance, Deviation = Math.Sqrt(moments.Variance),
        };
    }

    // With |S| and Q at most N: |S/N - S'/N'| = |S - S' + (S/N)(N' - N)| / N' is at most (error of S + error of N) / N', and Q likewise; m² differs by at most twice what m does.
    private ColumnStatistics Private(ColumnStatistics known)
    {
        var count = Total(n => n.Count!.Value);
        var (ofCount, ofSum) = (ErrorOfCounts(1), ErrorOfSums());
        known = known with { Count = count, CountError = ofCount };
        if (count < 1)
            return known;
        var (middle, half) = (column.Column.Middle!.Value, column.Column.Half!.Value);
        var mean = Math.Clamp(Total(n => n.Sum!.Value) * MeasurePlan.ValueUnit / count, -1, 1);
        var square = Math.Clamp(Total(n => n.SumOfSquares!.Value) * MeasurePlan.ValueUnit / count, 0, 1);
        var error = Math.Min(2, ((ofSum + ofCount) / count) + MeasurePlan.ValueUnit);
        var variance = Math.Max(0, square - (mean * mean));
        return known with
        {
            Mean = middle + (half * mean), MeanError = half * error,
            Variance = half * half * variance, VarianceError = half * half * Math.Min(1, 3 * error),
            Deviation = half * Math.Sqrt(variance),
        };
    }

    private double Total(Func<ColumnMeasurement, long> value) => (double)nodes.Aggregate(Int128.Zero, (sum, n) => sum + value(n));

    private long[] Sum(Func<ColumnMeasurement, long[]> counts)
    {
        var sums = new long[counts(nodes[0]).Length];
        foreach (var node in nodes)
        {
            var own = counts(node);
            for (var i = 0; i < sums.Length; i++)
                sums[i] += own[i];
        }
        return sums;
    }

    /// <summary>Of any sum of so many counts, each at most once.</summary>
    private double ErrorOfCounts(int counts) => NoiseBound.OfSum(1 / (plan.EpsilonOfEach * MeasurePlan.EpsilonUnit), (long)counts * nodes.Length, plan.Failure);

    private double ErrorOfSums() => NoiseBound.OfSum(1 / (plan.EpsilonOfEach * MeasurePlan.EpsilonUnit * MeasurePlan.ValueUnit), nodes.Length, plan.Failure) * MeasurePlan.ValueUnit;
}

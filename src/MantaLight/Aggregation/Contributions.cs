using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.InteropServices;
using MantaLight.Aggregation.Blocks;
using MantaLight.Aggregation.Rules;
using MantaLight.Tasks;
using MantaLight.Weights;
using MantaLight.Weights.Sources;

namespace MantaLight.Aggregation;

/// <summary>Contributions that are read together, a block of each at a time, and those that cannot be: of another layout, damaged, not finite.</summary>
internal sealed class Contributions : IDisposable
{
    // Its square, times all elements of any model, is a number.
    private const double Largest = 1e140;

    // What a rule weighs by: ratios of such numbers leave no float32 that was none before.
    private const double LeastMetric = 1e-12, MostMetric = 1e12;

    private readonly List<WeightsSource> sources = [];
    private readonly List<Result> accepted = [];
    private readonly List<RefusedContribution> refused = [];
    private readonly NodeMetric? metric;
    private readonly (string Tag, WeightsSource? Model) reference;
    private long samplesSoFar;

    private Contributions(NodeMetric? metric, (string Tag, WeightsSource? Model) reference) => (this.metric, this.reference) = (metric, reference);

    /// <summary>What can be combined, in node-id order.</summary>
    public IReadOnlyList<WeightsSource> Sources => sources;

    /// <summary>Whose it is, in the same order.</summary>
    public IReadOnlyList<Result> Accepted => accepted;

    /// <summary>A number of each, in the same order; null where none was asked for.</summary>
    public IReadOnlyList<double>? Metric => metric is null ? null : [.. accepted.Select(r => metric.Values[r.Node])];

    /// <summary>How many rounds before this one each began, in the same order; null where all of them are models rather than differences.</summary>
    public IReadOnlyList<int>? Staleness(int round) => accepted.Exists(r => r.DifferenceFrom is not null) ? [.. accepted.Select(r => r.DifferenceFrom is null ? 0 : Math.Max(0, round - r.Round))] : null;

    /// <summary>What cannot, and why.</summary>
    public IReadOnlyList<RefusedContribution> Refused => refused;

    /// <summary>Opens and checks all.</summary>
    /// <param name="results">In node-id order.</param>
    /// <param name="expected">The layout that they must have; null where the first decides.</param>
    /// <param name="metric">A number that each must have, above 0; null for none.</param>
    /// <param name="cancellationToken">Looked at before each.</param>
    /// <param name="objection">Why one is refused whatever it holds; null where it is not.</param>
    /// <param name="reference">The model, with its tag, that differences are added to; disposed by its owner after these.</param>
    /// <exception cref="BlobUnavailableException">One cannot be had.</exception>
    public static async Task<Contributions> OpenAsync(
        IReadOnlyList<Result> results, ImmutableArray<ArrayHeader>? expected, NodeMetric? metric, CancellationToken cancellationToken, Func<Result, string?>? objection = null,
        (string Tag, WeightsSource? Model) reference = default)
    {
        var all = new Contributions(metric, reference);
        try
        {
            foreach (var result in results)
            {
                cancellationToken.ThrowIfCancellationRequested();
                if ((objection?.Invoke(result) ?? await all.TryAddAsync(result, expected, cancellationToken)) is { } reason)
                    all.refused.Add(new RefusedContribution(result.Node, reason));
                else
                    expected ??= all.sources[^1].Layout;
            }
            return all;
        }
        catch
        {
            all.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => sources.ForEach(s => s.Dispose());

    private async Task<string?> TryAddAsync(Result result, ImmutableArray<ArrayHeader>? expected, CancellationToken cancellationToken)
    {
        if (result.Samples is not >= 1)
            return result.Samples is { } samples ? $"{samples} samples where at least 1 is expected." : $"'{result.Tag}' is a JSON value where weights are expected.";
        if (result.Samples > WeightedMean.MaximumSamples - samplesSoFar)
            return $"{result.Samples} samples on top of {samplesSoFar} are more than a mean can weigh exactly ({WeightedMean.MaximumSamples}).";
        if (metric is not null && !(metric.Values.TryGetValue(result.Node, out var value) && value is >= LeastMetric and <= MostMetric))
            return $"Its results have no number above 0 (1e-12 to 1e12) as '{metric.Path}', which it is weighed by.";
        if (result.DifferenceFrom is { } from && (reference.Model is null || from != reference.Tag))
            return $"It is a difference from global '{from}'{(reference.Model is null ? "" : $", where one from '{reference.Tag}' is expected")}.";
        WeightsSource? source = null;
        try
        {
            source = await result.OpenWeightsBesideOthersAsync(cancellationToken);
            if ((expected is { } layout ? WeightsSource.Difference(layout, source.Layout) : null) is { } misfit)
                return misfit;
            if (Flaw(source) is { } flaw)
                return flaw;
            sources.Add(result.DifferenceFrom is null ? source : new RebasedSource(source, reference.Model!));
            accepted.Add(result);
            samplesSoFar += result.Samples.Value;
            source = null;
            return null;
        }
        catch (Exception e) when (e is MalformedDataException or IncompatibleWeightsException)
        {
            return e.Message;
        }
        finally
        {
            source?.Dispose();
        }
    }

    /// <summary>Why an array's elements cannot be combined with others; null where they can.</summary>
    /// <param name="header">The array.</param>
    /// <param name="data">Some of its elements.</param>
    /// <param name="first">The index of the first of them.</param>
    public static string? FlawOf(ArrayHeader header, ReadOnlySpan<byte> data, long first)
    {
        if (ElementCheck.Find(header, data, first) is { } flaw)
            return flaw;
        if (header.Type != ArrayType.Float64)
            return null;
        var values = MemoryMarshal.Cast<byte, double>(data);
        for (var i = 0; i < values.Length; i++)
        {
            if (Math.Abs(values[i]) > Largest)
                return string.Create(CultureInfo.InvariantCulture, $"Array '{header}' holds {values[i]} at index {first + i}, and {Largest} is the most that distances can be counted with.");
        }
        return null;
    }

    private static string? Flaw(WeightsSource source)
    {
        var grid = new BlockGrid(source.Layout, BlockPass.InFiles);
        var buffer = new byte[BlockPass.InFiles * sizeof(double)];
        for (var number = 0L; number < grid.Count; number++)
        {
            var place = grid[number];
            if (FlawOf(source.Layout[place.Array], source.Read(place.Array, place.Offset, buffer.AsSpan(0, place.Length)), place.First) is { } flaw)
                return flaw;
        }
        return null;
    }
}

using System.Buffers;
using System.Collections.Immutable;
using MantaLight.Aggregation.Blocks;
using MantaLight.Concurrency;
using MantaLight.Weights;
using MantaLight.Weights.Sources;

namespace MantaLight.Aggregation;

/// <summary>
/// The sample-weighted mean of weights, folded one contribution at a time: memory is that of one model in float64,
/// however many contribute. For one order of contributions the result is the same to the last bit on every machine:
/// floats accumulate in float64, element by element, by a multiplication and an addition that are rounded separately
/// (never fused, never reduced across lanes); integers accumulate exactly. One caller at a time; dispose it when done.
/// </summary>
public sealed class WeightedMean : IDisposable
{
    /// <summary>The most samples of all contributions together: 2^53, up to which a float64 counts exactly.</summary>
    public const long MaximumSamples = 1L << 53;

    /// <summary>Elements that are folded at a time.</summary>
    private const int Elements = 8192;

    private readonly ImmutableArray<ArrayHeader>? reference;
    private ImmutableArray<ArrayHeader>? layout;
    private MeanArray[]? sums;
    private bool isSpoilt;

    /// <summary>A mean whose layout is that of its first contribution.</summary>
    public WeightedMean()
    {
    }

    /// <summary>A mean whose contributions must have the layout of <paramref name="reference"/>.</summary>
    /// <param name="reference">Only its names, types and shapes are used; it may be disposed afterwards.</param>
    public WeightedMean(NamedArrays reference) => layout = this.reference = [.. reference.Select(ArrayHeader.Of)];

    /// <summary>The names, types and shapes that are expected; null where the first contribution decides.</summary>
    internal ImmutableArray<ArrayHeader>? Layout => layout;

    /// <summary>The most threads that fold; their number does not show in the result.</summary>
    internal int Threads { get; init; } = Workers.Most;

    /// <summary>How many contributions were added.</summary>
    public int Count { get; private set; }

    /// <summary>The samples of all contributions together.</summary>
    public long Samples { get; private set; }

    /// <summary>Folds a contribution; one that is refused leaves the mean as it was.</summary>
    /// <param name="weights">The contribution; it is not kept.</param>
    /// <param name="samples">Its weight, at least 1.</param>
    /// <exception cref="IncompatibleWeightsException">
    /// Other names, types, shapes or order than the reference; NaN, an infinity, or a float64 beyond 1e290 (the message
    /// names array and index); or more samples than can be counted exactly.
    /// </exception>
    public void Add(NamedArrays weights, long samples)
    {
        // Arrays without their owner, who stays the caller.
        using var source = WeightsSource.Of(new NamedArrays(weights));
        Add(source, samples);
    }

    /// <summary>Folds a contribution piece by piece; one that is refused leaves the mean as it was.</summary>
    /// <param name="source">The contribution, which is read twice: all of it is checked before any of it is folded.</param>
    /// <param name="samples">Its weight, at least 1.</param>
    /// <exception cref="IncompatibleWeightsException">As of <see cref="Add(NamedArrays, long)"/>.</exception>
    /// <exception cref="MalformedDataException">It cannot be read to its end.</exception>
    public void Add(WeightsSource source, long samples)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(samples, 1);
        if (Refusal(source, samples) is { } reason)
            throw new IncompatibleWeightsException(reason);
        if (!TryFold(source, samples))
            throw new InvalidOperationException("A contribution changed while it was added to a mean.");
    }

    /// <summary>Why a contribution cannot be added; null where it can.</summary>
    internal string? Refusal(WeightsSource source, long samples) => Misfit(source.Layout, samples) ?? Flaw(source);

    /// <summary>As <see cref="Refusal"/>, without a look at the elements.</summary>
    internal string? Misfit(ImmutableArray<ArrayHeader> found, long samples)
    {
        if (samples < 1)
            return $"{samples} samples where at least 1 is expected.";
        if (samples > MaximumSamples - Samples)
            return $"{samples} samples on top of {Samples} are more than a mean can weigh exactly ({MaximumSamples}).";
        return layout is { } expected ? WeightsSource.Difference(expected, found) : null;
    }

    /// <summary>Folds a contribution that fits, reading it once.</summary>
    /// <returns>False where it has an element that has no mean: the mean is of no use then until it is cleared.</returns>
    /// <exception cref="MalformedDataException">It cannot be read to its end, with the same consequence.</exception>
    internal bool TryFold(WeightsSource source, long samples)
    {
        ObjectDisposedException.ThrowIf(isSpoilt, this);
        layout ??= source.Layout;
        sums ??= Zeros(layout.Value);
        isSpoilt = true;
        var isFirst = Count == 0;
        var isFine = Each(source, (place, data) =>
        {
            if (isFirst)
                sums[place.Array].Touch(place.First, place.Count);
            return sums[place.Array].TryAdd(data, place.First, samples);
        });
        if (!isFine)
            return false;
        isSpoilt = false;
        Samples += samples;
        Count++;
        return true;
    }

    /// <summary>Forgets all contributions, and the layout where one of them had set it.</summary>
    internal void Clear()
    {
        Dispose();
        (layout, Samples, Count, isSpoilt) = (reference, 0, 0, false);
    }

    /// <summary>
    /// Ends the mean and gives it out, in the memory of its sums: floats rounded to nearest, integers to nearest, both half to even. Dispose
    /// the result when done; this object is then of no use any more.
    /// </summary>
    /// <exception cref="InvalidOperationException">Nothing was added.</exception>
    public NamedArrays Finish()
    {
        ObjectDisposedException.ThrowIf(isSpoilt, this);
        if (Count == 0)
            throw new InvalidOperationException("Nothing was added to the mean.");
        var result = new NamedArrays([.. sums!.Select(a => a.Narrow(Samples))], new Owned(sums!));
        (sums, isSpoilt) = (null, true);
        return result;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var array in sums ?? [])
            array.Dispose();
        (sums, isSpoilt) = (null, true);
    }

    private static MeanArray[] Zeros(ImmutableArray<ArrayHeader> layout)
    {
        var made = new List<MeanArray>(layout.Length);
        try
        {
            foreach (var header in layout)
                made.Add(new MeanArray(header));
            return [.. made];
        }
        catch
        {
            // There is not so much memory: nobody else knows of what there was.
            made.ForEach(array => array.Dispose());
            throw;
        }
    }

    /// <summary>What is wrong with the first element that has no mean; null where all are fine.</summary>
    private string? Flaw(WeightsSource source)
    {
        string? found = null;
        var gate = new Lock();
        var at = long.MaxValue;
        Each(source, (place, data) =>
        {
            if (ElementCheck.Find(source.Layout[place.Array], data, place.First) is not { } flaw)
                return true;
            // Of what several threads find, the first in the model's order is told.
            lock (gate)
            {
                var here = ((long)place.Array << 32) | (uint)place.First;
                if (here < at)
                    (at, found) = (here, flaw);
            }
            return false;
        });
        return found;
    }

    /// <summary>Reads a contribution once, some threads a stretch each; false, and soon, where a step says so.</summary>
    private bool Each(WeightsSource source, Step step)
    {
        var grid = new BlockGrid(source.Layout, Elements);
        var workers = (int)Math.Clamp(grid.Count, 1, Math.Min(Threads, Workers.For(source.Layout.Sum(a => a.Length))));
        var isFine = true;
        Workers.Run(workers, worker =>
        {
            var buffer = ArrayPool<byte>.Shared.Rent(Elements * sizeof(double));
            var end = grid.Count * (worker + 1) / workers;
            for (var number = grid.Count * worker / workers; number < end && Volatile.Read(ref isFine); number++)
            {
                var place = grid[number];
                if (!step(place, source.Read(place.Array, place.Offset, buffer.AsSpan(0, place.Length))))
                    Volatile.Write(ref isFine, false);
            }
            ArrayPool<byte>.Shared.Return(buffer);
        });
        return isFine;
    }

    private delegate bool Step(BlockPlace place, ReadOnlySpan<byte> data);

    /// <summary>The memory of a mean that was given out.</summary>
    private sealed class Owned(MeanArray[] arrays) : IDisposable
    {
        public void Dispose()
        {
            foreach (var array in arrays)
                array.Dispose();
        }
    }
}

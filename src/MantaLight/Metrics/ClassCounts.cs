using System.Numerics;

namespace MantaLight.Metrics;

/// <summary>
/// How many samples of each class there were, how many were taken for it, and how many of those rightly. Precision, recall and F1 follow from these counts, and of several nodes from their
/// sums: a mean of nodes' precisions is no precision.
/// </summary>
public sealed class ClassCounts
{
    /// <summary>With at most so many classes there is a confusion matrix as well.</summary>
    public const int MaximumMatrix = 20;

    /// <summary>With more classes nothing is told class by class.</summary>
    public const int MaximumClasses = 10_000;

    private readonly long[] truths;
    private readonly long[] predicted;
    private readonly long[] hits;

    private ClassCounts(long[] truths, long[] predicted, long[] hits, long[][]? confusion) =>
        (this.truths, this.predicted, this.hits, Confusion) = (truths, predicted, hits, confusion);

    /// <summary>How many classes there are.</summary>
    public int Classes => truths.Length;

    /// <summary>[classes][classes]: samples of the row's class that were taken for the column's; null with more than <see cref="MaximumMatrix"/>.</summary>
    public IReadOnlyList<IReadOnlyList<long>>? Confusion { get; }

    /// <summary>All samples.</summary>
    public long Samples => truths.Sum();

    /// <summary>Those that were taken for what they are.</summary>
    public long Correct => hits.Sum();

    /// <summary>The mean precision of the classes that occur; 0 where none does.</summary>
    public double MacroPrecision => Macro(Precision);

    /// <summary>The mean recall of the classes that occur.</summary>
    public double MacroRecall => Macro(Recall);

    /// <summary>The mean F1 of the classes that occur.</summary>
    public double MacroF1 => Macro(F1);

    /// <summary>Precision, recall and F1 of all decisions together: with one label for each sample the three are one number, the accuracy.</summary>
    public double MicroF1 => Ratio(Correct, Samples);

    /// <summary>Counts by a confusion matrix.</summary>
    /// <param name="confusion">[classes][classes], rows by what samples are, columns by what they were taken for.</param>
    /// <exception cref="ArgumentException">It is not square, has more than <see cref="MaximumMatrix"/> classes, or a number below 0.</exception>
    public static ClassCounts OfConfusion(IReadOnlyList<IReadOnlyList<long>> confusion)
    {
        var classes = confusion.Count;
        if (classes is 0 or > MaximumMatrix || confusion.Any(row => row.Count != classes || row.Any(n => n < 0)))
            throw new ArgumentException($"A confusion matrix has 1 to {MaximumMatrix} rows, as many columns, and no number below 0.", nameof(confusion));
        var (truths, predicted, hits) = (new long[classes], new long[classes], new long[classes]);
        for (var truth = 0; truth < classes; truth++)
        {
            for (var guess = 0; guess < classes; guess++)
            {
                truths[truth] += confusion[truth][guess];
                predicted[guess] += confusion[truth][guess];
            }
            hits[truth] = confusion[truth][truth];
        }
        return new ClassCounts(truths, predicted, hits, [.. confusion.Select(row => row.ToArray())]);
    }

    /// <summary>Counts class by class.</summary>
    /// <param name="truths">Samples of each class.</param>
    /// <param name="predicted">Samples that were taken for it.</param>
    /// <param name="hits">Those of them that are of it.</param>
    /// <exception cref="ArgumentException">They are not of one length from 1 to <see cref="MaximumClasses"/>, or do not agree.</exception>
    public static ClassCounts Of(IReadOnlyList<long> truths, IReadOnlyList<long> predicted, IReadOnlyList<long> hits)
    {
        var isSound = truths.Count is > 0 and <= MaximumClasses && predicted.Count == truths.Count && hits.Count == truths.Count;
        for (var i = 0; isSound && i < truths.Count; i++)
            isSound = hits[i] >= 0 && hits[i] <= truths[i] && hits[i] <= predicted[i];
        if (!isSound || truths.Sum() != predicted.Sum())
            throw new ArgumentException($"Counts are of 1 to {MaximumClasses} classes, as many right ones as there are of both at most, and as many guesses as samples.", nameof(hits));
        return new ClassCounts([.. truths], [.. predicted], [.. hits], null);
    }

    /// <summary>Both together.</summary>
    /// <exception cref="ArgumentException">They are of different numbers of classes.</exception>
    public ClassCounts Add(ClassCounts other)
    {
        if (other.Classes != Classes)
            throw new ArgumentException($"Counts of {other.Classes} classes cannot be added to those of {Classes}.", nameof(other));
        return new ClassCounts(
            Sum(truths, other.truths), Sum(predicted, other.predicted), Sum(hits, other.hits),
            Confusion is null || other.Confusion is null ? null : [.. Confusion.Zip(other.Confusion, (a, b) => Sum([.. a], [.. b]))]);
    }

    /// <summary>Samples of a class.</summary>
    public long SamplesOf(int index) => truths[index];

    /// <summary>Samples of a class that were taken for it.</summary>
    public long TruePositives(int index) => hits[index];

    /// <summary>Samples of other classes that were taken for this one.</summary>
    public long FalsePositives(int index) => predicted[index] - hits[index];

    /// <summary>Samples of a class that were taken for others.</summary>
    public long FalseNegatives(int index) => truths[index] - hits[index];

    /// <summary>Which part of those taken for a class is of it; 0 where none was.</summary>
    public double Precision(int index) => Ratio(hits[index], predicted[index]);

    /// <summary>Which part of a class was taken for it; 0 where there is none of it.</summary>
    public double Recall(int index) => Ratio(hits[index], truths[index]);

    /// <summary>The harmonic mean of both: 2 tp / (2 tp + fp + fn).</summary>
    public double F1(int index) => Ratio(2 * hits[index], truths[index] + predicted[index]);

    // A class that is neither there nor guessed says nothing: a node may have two digits of ten.
    private double Macro(Func<int, double> of)
    {
        double[] values = [.. Enumerable.Range(0, Classes).Where(c => truths[c] + predicted[c] > 0).Select(of)];
        return values.Length == 0 ? 0 : values.Sum() / values.Length;
    }

    private static double Ratio(long part, long whole) => whole == 0 ? 0 : (double)part / whole;

    private static long[] Sum<T>(T[] a, T[] b)
        where T : INumber<T> => [.. a.Zip(b, (x, y) => long.CreateChecked(x + y))];
}

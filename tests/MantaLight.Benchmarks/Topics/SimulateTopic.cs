using System.Globalization;
using System.Text.RegularExpressions;
using MantaLight.Benchmarks.Report;

namespace MantaLight.Benchmarks.Topics;

/// <summary>
/// Thousands of participants in one process: the 2NN of McMahan et al., batches of 10, one epoch, 60 samples for each. Of 10,000 several have the same
/// samples (MNIST has 60,000), of 100 not all are used. Each round asks 100 of them, so that an update costs what it costs and no round's share of another size.
/// </summary>
internal static partial class SimulateTopic
{
    private const int Runs = 3;
    private const int Rounds = 50;
    private const int Updates = 100;

    private const string Resident = "libtorch, the samples as tensors, and a model for each running task come on top.";

    private static readonly int[] Sizes = [100, 1000, 10_000];

    /// <summary>The rows, without the topic's name.</summary>
    public static IReadOnlyList<string> Rows { get; } =
    [
        .. Sizes.SelectMany(size => new[] { "updates", "memory" }.Select(what => string.Create(CultureInfo.InvariantCulture, $"{what}_of_{size:D5}"))),
        "cost_within",
    ];

    /// <summary>Those of one round of a thousand.</summary>
    public static IReadOnlyList<string> TenthRows { get; } = ["updates_of_10000_tenth", "memory_of_10000_tenth"];

    public static IEnumerable<Row> Measure()
    {
        var runs = Sizes.ToDictionary(size => size, _ => new List<(double Rate, long Peak)>());
        using var peers = new PlainUpdates();
        // In turn: what disturbs the machine disturbs all.
        for (var run = 0; run < Runs; run++)
        {
            peers.Run();
            foreach (var size in Sizes)
                runs[size].AddRange(Simulate(size, (double)Updates / size, Rounds));
        }
        foreach (var row in Sizes.Where(size => runs[size].Count == Runs).SelectMany(size => RowsOf(size, runs[size], peers.PerMinute)))
            yield return row;
        if (runs.Values.All(r => r.Count == Runs))
            yield return Cost(runs);
    }

    /// <summary>Rounds of a thousand contributions, which are all in memory at its end.</summary>
    public static IEnumerable<Row> MeasureTenth()
    {
        foreach (var (rate, peak) in Simulate(10_000, 0.1, 5))
        {
            yield return new Row { Name = "simulate.updates_of_10000_tenth", Value = rate, Unit = "updates/min", Note = "1,000 updates in each of 5 rounds." };
            yield return new Row { Name = "simulate.memory_of_10000_tenth", Value = peak / 1e6, Unit = "MB", Target = "under 3,000" }
                .AtMost(peak / 1e6, 3000, $"a round's contributions, 1,000 of 0.8 MB, are all there at its end; {Resident}");
        }
    }

    private static IEnumerable<Row> RowsOf(int size, List<(double Rate, long Peak)> runs, Sample? peers)
    {
        var (rates, peaks) = (Sample.Of(runs.Select(r => r.Rate)), Sample.Of(runs.Select(r => r.Peak / 1e6)));
        var isAimedAt = size == 1000;
        var row = new Row
        {
            Name = string.Create(CultureInfo.InvariantCulture, $"simulate.updates_of_{size:D5}"), Value = rates.Median, Unit = "updates/min", Spread = rates.Spread,
            Target = isAimedAt ? "at least 10,000" : null,
            Note = "60 samples each, 100 updates in each of 50 rounds; training tasks alone are counted, the time is that of the whole rounds, compilation included.",
        };
        if (peers is not null)
            row = row.Beside("PyTorch, as many processes as cores, no federation", peers) with { Ratio = rates.Median / peers.Median };
        yield return !isAimedAt ? row : row.AtLeast(
            rates.Median, 10_000, FormattableString.Invariant($"an update is six steps of small products, a model made and a commit, and {Environment.ProcessorCount} cores make all of them."));
        row = new Row
        {
            Name = string.Create(CultureInfo.InvariantCulture, $"simulate.memory_of_{size:D5}"), Value = peaks.Median, Unit = "MB", Spread = peaks.Spread,
            Target = isAimedAt ? "under 1,500" : null,
        };
        yield return !isAimedAt ? row : row.AtMost(peaks.Runs[^1], 1500, $"a round's contributions, 100 of 0.8 MB, are all there at its end; {Resident}");
    }

    private static Row Cost(Dictionary<int, List<(double Rate, long Peak)>> runs)
    {
        // Of one turn, whose runs had the same machine.
        var ratios = Sample.Of(Enumerable.Range(0, Runs).Select(turn => Sizes.Max(size => runs[size][turn].Rate) / Sizes.Min(size => runs[size][turn].Rate)));
        var row = new Row
        {
            Name = "simulate.cost_within", Value = ratios.Median, Unit = "greatest over least cost of an update, 100 to 10,000 participants", Spread = ratios.Spread,
            Ratio = Math.Round(ratios.Median, 3), Target = "at most 1.10",
        };
        return row.AtMost(ratios.Median, 1.10, "what a round costs beside its training is shared by its 100 updates, and runs one after the other have not the same machine.");
    }

    /// <summary>One run; nothing, with the reason on standard error, where it fails.</summary>
    private static IEnumerable<(double Rate, long Peak)> Simulate(int participants, double fraction, int rounds)
    {
        var (output, code, _, peak, _) = WholeProcess.Mantalight(
            "simulate", Path.Combine(AppContext.BaseDirectory, "two_layers.json"), "--samples", "60", "--participants", participants.ToString(CultureInfo.InvariantCulture),
            "--fraction", fraction.ToString(CultureInfo.InvariantCulture), "--rounds", rounds.ToString(CultureInfo.InvariantCulture));
        if (code == 0 && Rate.Match(output) is { Success: true } match)
            return [(double.Parse(match.Groups[1].Value, NumberStyles.Number, CultureInfo.InvariantCulture), peak)];
        Console.Error.WriteLine($"The simulation of {participants} participants failed:\n{output}");
        return [];
    }

    /// <summary>The same updates by as many processes of PyTorch as there are cores, beside each other and in turn with the simulations.</summary>
    private sealed class PlainUpdates : IDisposable
    {
        private readonly PeerInTurn?[] peers = [.. Enumerable.Range(0, Environment.ProcessorCount).Select(_ => PeerInTurn.Start("updates", []))];
        private readonly List<double> rates = [];

        public Sample? PerMinute => rates.Count == 0 ? null : Sample.Of(rates);

        public void Run()
        {
            if (Array.TrueForAll(peers, p => p is not null))
                rates.Add(peers.AsParallel().WithDegreeOfParallelism(peers.Length).Sum(p => p!.Run()["updates_per_minute"]));
        }

        public void Dispose()
        {
            foreach (var peer in peers)
                peer?.Dispose();
        }
    }

    [GeneratedRegex(@"([\d,]+) a minute")]
    private static partial Regex Rate { get; }
}

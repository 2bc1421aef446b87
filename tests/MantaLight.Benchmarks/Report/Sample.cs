using System.Diagnostics;

namespace MantaLight.Benchmarks.Report;

/// <summary>Several runs of one thing.</summary>
/// <param name="Runs">Their figures, in ascending order.</param>
internal sealed record Sample(double[] Runs)
{
    public double Median => Runs.Length % 2 == 1 ? Runs[Runs.Length / 2] : (Runs[(Runs.Length / 2) - 1] + Runs[Runs.Length / 2]) / 2;

    public double[] Spread => [Math.Round(Runs[0], 4), Math.Round(Runs[^1], 4)];

    public static Sample Of(IEnumerable<double> runs) => new([.. runs.Order()]);

    /// <summary>The same runs in another unit.</summary>
    public Sample Select(Func<double, double> convert) => Of(Runs.Select(convert));

    /// <summary>Seconds of an action, each run of as many calls as take some milliseconds.</summary>
    public static Sample Seconds(Action action, int runs = 7, double atLeast = 0.05)
    {
        action();
        var calls = 1;
        while (Time(action, calls) is var once && once < atLeast)
            calls = (int)Math.Clamp(calls * Math.Max(2, atLeast / Math.Max(once, 1e-7)), calls + 1, 1_000_000);
        return Of(Enumerable.Range(0, runs).Select(_ => Time(action, calls) / calls).ToArray());
    }

    /// <summary>Seconds of several actions, whose runs take turns: what disturbs one disturbs all.</summary>
    public static Sample[] SecondsInTurn(int runs, params Action[] actions)
    {
        foreach (var action in actions)
            action();
        var times = actions.Select(_ => new double[runs]).ToArray();
        for (var run = 0; run < runs; run++)
        {
            for (var i = 0; i < actions.Length; i++)
                times[i][run] = Time(actions[i], 1);
        }
        return [.. times.Select(Of)];
    }

    private static double Time(Action action, int calls)
    {
        var began = Stopwatch.GetTimestamp();
        for (var i = 0; i < calls; i++)
            action();
        return Stopwatch.GetElapsedTime(began).TotalSeconds;
    }
}

using System.Globalization;
using System.Text.RegularExpressions;
using MantaLight.Aggregation.Plans;
using MantaLight.Metrics;

namespace MantaLight.Scheduling;

/// <summary>A metric that reaches a value, from either side: <c>accuracy >= 0.97</c>.</summary>
internal sealed partial class MetricTarget : StopCondition
{
    private readonly string sign;
    private readonly double bound;

    private MetricTarget(string text, string metric, string sign, double bound)
        : base(text) => (Metric, this.sign, this.bound) = (metric, sign, bound);

    public override string Metric { get; }

    public override bool IsTarget => true;

    /// <summary>Reads one; null where the text compares nothing.</summary>
    /// <exception cref="InvalidSettingException">What is compared is no metric, or no number.</exception>
    public static MetricTarget? Parse(string text)
    {
        if (Form.Match(text) is not { Success: true } parts)
            return null;
        var (metric, sign, number) = (parts.Groups[1].Value, parts.Groups[2].Value, parts.Groups[3].Value);
        if (!double.TryParse(number, NumberStyles.Float, CultureInfo.InvariantCulture, out var bound) || !double.IsFinite(bound))
            throw new InvalidSettingException($"'{text}' compares with '{number}', which is no number.");
        return new MetricTarget(text, MetricName.Require(metric), sign, bound);
    }

    public static MetricTarget AtLeast(string metric, double bound) => new(string.Create(CultureInfo.InvariantCulture, $"{metric} >= {bound}"), metric, ">=", bound);

    public override Verdict Judge(RoundFacts facts)
    {
        var value = facts.Metrics[Metric];
        var reached = sign switch { ">=" => value >= bound, "<=" => value <= bound, ">" => value > bound, _ => value < bound };
        return new Verdict(reached, $"{MetricName.Last(Metric)} {Quantities.Text(value)} {(reached ? "reached" : "has not reached")} {(sign.Length == 1 ? $"{sign} " : "")}{Quantities.Text(bound)}");
    }

    [GeneratedRegex(@"\A\s*([^\s<>=]+)\s*(>=|<=|>|<)\s*(\S+)\s*\z")]
    private static partial Regex Form { get; }
}

/// <summary>Early stopping: a metric that has not become better for some rounds.</summary>
internal sealed class Patience : StopCondition
{
    private readonly int rounds;
    private readonly double delta;
    private readonly bool isLess;

    /// <exception cref="InvalidSettingException">An option is not known or not possible.</exception>
    public Patience(string text, PartText part)
        : base(text)
    {
        rounds = part.Whole("rounds", 1, isPositional: true) ?? throw new InvalidSettingException("'patience' needs the number of rounds to wait for something better, as in 'patience 5'.");
        Metric = MetricName.Require(part.Text("metric") ?? "accuracy");
        delta = part.Number("min_delta", n => n >= 0, "a number of at least 0") ?? 0;
        var goal = part.Word("goal", "auto", "min", "max");
        isLess = goal == "min" || (goal == "auto" && NodeSpread.LowerIsBetter(Metric));
        part.End();
    }

    public override string Metric { get; }

    public override bool Remembers => true;

    public override Verdict Judge(RoundFacts facts)
    {
        var (value, name) = (facts.Metrics[Metric], MetricName.Last(Metric));
        var before = facts.Memory.Patience.GetValueOrDefault(Text);
        if (before is null || (isLess ? value < before.Best - delta : value > before.Best + delta))
            return new Verdict(false, $"{name} {Quantities.Text(value)} is the best so far", new PatienceMemory(value, facts.Round, 0));
        var now = before with { Waited = before.Waited + 1 };
        return now.Waited >= rounds
            ? new Verdict(true, $"{name} has not become better than {Quantities.Text(now.Best)} (round {now.Round}) for {Rounds(rounds)}", now)
            : new Verdict(false, $"{name} {Quantities.Text(value)}, the best is {Quantities.Text(now.Best)} of round {now.Round}: {now.Waited} of {Rounds(rounds)} without a better one", now);
    }

    private static string Rounds(int count) => count == 1 ? "1 round" : $"{count} rounds";
}

/// <summary>What metrics are called: <c>accuracy</c>, one of the tests of all nodes together, or <c>TAG.KEY</c>, one of any result.</summary>
internal static partial class MetricName
{
    /// <exception cref="InvalidSettingException">It is no name.</exception>
    public static string Require(string text) => Form.IsMatch(text)
        ? text
        : throw new InvalidSettingException($"'{text}' is no metric: write one of the tests of all nodes, as accuracy, or TAG.KEY of any result, as train_metrics.loss.");

    public static string Last(string metric) => metric[(metric.LastIndexOf('.') + 1)..];

    [GeneratedRegex(@"\A[A-Za-z_][A-Za-z0-9_-]{0,63}(\.[A-Za-z0-9_-]{1,64}){0,8}\z")]
    private static partial Regex Form { get; }
}

using System.Globalization;
using MantaLight.Aggregation.Plans;
using MantaLight.Tasks;

namespace MantaLight.Scheduling;

/// <summary>So many rounds.</summary>
internal sealed class RoundBudget(string text, int rounds) : StopCondition(text)
{
    public override Verdict Judge(RoundFacts facts) => facts.Round >= rounds
        ? new Verdict(true, $"round {facts.Round} is the last of {rounds}")
        : new Verdict(false, $"round {facts.Round} of {rounds}");
}

/// <summary>So much time of the swarm's rounds: the round in which it is used up is the last.</summary>
internal sealed class TimeBudget(string text, TimeSpan most) : StopCondition(text)
{
    public override bool Remembers => true;

    public override Verdict Judge(RoundFacts facts)
    {
        var spent = TimeSpan.FromSeconds(Math.Floor(facts.Memory.Seconds));
        return facts.Memory.Seconds >= most.TotalSeconds
            ? new Verdict(true, $"the time of {most:c} is used up ({spent:c})")
            : new Verdict(false, $"{spent:c} of {most:c}");
    }
}

/// <summary>So many bytes, up and down, of all nodes and coordinators: the round in which they are used up is the last.</summary>
internal sealed class ByteBudget(string text, long most) : StopCondition(text)
{
    public override bool Remembers => true;

    public override Verdict Judge(RoundFacts facts) => facts.Memory.Bytes >= most
        ? new Verdict(true, $"the {Quantities.Text(most)} are used up ({Quantities.Text(facts.Memory.Bytes)})")
        : new Verdict(false, $"{Quantities.Text(facts.Memory.Bytes)} of {Quantities.Text(most)}");
}

/// <summary>So much privacy: the last round is the one behind which another would exceed it.</summary>
internal sealed class EpsilonBudget : StopCondition
{
    private readonly double most;
    private readonly double delta;
    private readonly bool isPld;

    /// <exception cref="InvalidSettingException">An option is not known or not possible.</exception>
    public EpsilonBudget(string text, PartText part)
        : base(text)
    {
        most = part.Number("epsilon", n => n > 0, "a number above 0", isPositional: true) ?? throw new InvalidSettingException("'epsilon' needs the most that may be spent, as in 'epsilon 8'.");
        delta = part.Number("delta", n => n is > 0 and < 1, "a probability above 0 and below 1") ?? 1e-5;
        isPld = part.Word("accountant", "rdp", "pld") == "pld";
        part.End();
    }

    public override Verdict Judge(RoundFacts facts)
    {
        if (facts.Privacy is not { Entries: [.., var last] } ledger)
            throw new TaskContractException($"'{Text}' bounds what nothing counts: there is no global 'privacy'. Aggregate with private_mean, or leave it out.");
        var spent = ledger.Epsilon(delta, isPld);
        var next = ledger.Add(last.Mechanism, 1).Epsilon(delta, isPld);
        return string.Create(CultureInfo.InvariantCulture, $"ε = {spent:F3} of {most} is spent") is var words && next > most
            ? new Verdict(true, $"{words}, and another round would exceed it")
            : new Verdict(false, words);
    }
}

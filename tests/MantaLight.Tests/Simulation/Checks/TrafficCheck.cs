using MantaLight.Protocol;

namespace MantaLight.Simulation;

/// <summary>
/// What is published stays within what the rounds, the coordinators and the faults of a history account for: somebody who
/// answers what needs no answer, or asks again without a pause, is found out.
/// </summary>
internal sealed class TrafficCheck(World world, HistoryPlan plan) : ICheck
{
    /// <summary>How much more than events account for is let pass: the budgets are about twice what most histories need.</summary>
    private const double Slack = 2;

    private readonly Dictionary<Budget, (double Messages, double Bytes)> spent = [];
    private readonly Dictionary<string, (string Run, int Round)> rounds = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> terms = new(StringComparer.Ordinal);

    /// <summary>Rounds that have begun, the setup's included; one that is begun again counts again.</summary>
    public int Rounds { get; private set; }

    /// <summary>Coordinators that have begun.</summary>
    public int Terms { get; private set; }

    public HistoryPlan Plan => plan;

    public double Seconds => world.Now.TotalSeconds;

    public void Seen(Sighting sighting)
    {
        Count(sighting);
        if (Budget.Of(sighting) is not { } budget)
            return;
        var (messages, bytes) = spent.GetValueOrDefault(budget);
        spent[budget] = (messages, bytes) = (messages + 1, bytes + sighting.Payload.Length);
        var allowed = (Slack * (budget.Messages(this) + plan.Nodes.Length)) + (Seconds * (budget.Repeated?.Invoke(this) ?? 0));
        if (messages > allowed)
            world.Fail($"{messages} {budget.What} are more than the {allowed:0} that {Rounds} rounds of {plan.Nodes.Length} nodes under {Terms} coordinators in {Seconds:0} s account for.");
        else if (bytes > (messages + plan.Nodes.Length) * budget.Size(this))
            world.Fail($"{bytes} bytes of {messages} {budget.What} are more than messages of {budget.Size(this):0} bytes, which {Rounds} rounds of {plan.Nodes.Length} nodes account for.");
    }

    public void RetainedLost()
    {
    }

    private void Count(Sighting sighting)
    {
        if (sighting.Message is SwarmState state && rounds.GetValueOrDefault(state.Swarm) != (state.Run, state.Round))
        {
            rounds[state.Swarm] = (state.Run, state.Round);
            Rounds++;
        }
        else if (sighting.Message is CoordinatorClaim claim && terms.GetValueOrDefault(sighting.Swarm) != claim.Term)
        {
            terms[sighting.Swarm] = claim.Term;
            Terms++;
        }
    }
}

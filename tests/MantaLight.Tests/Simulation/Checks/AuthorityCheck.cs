using MantaLight.Protocol;

namespace MantaLight.Simulation;

/// <summary>For each swarm and term there is one who acts, and terms only grow.</summary>
internal sealed class AuthorityCheck(World world) : ICheck
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Dictionary<(string Swarm, long Term), string> acting = [];
    private readonly Dictionary<string, long> claims = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> retained = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> states = new(StringComparer.Ordinal);
    private readonly Dictionary<string, RunStatus> last = new(StringComparer.Ordinal);
    private int era;

    public void Seen(Sighting sighting)
    {
        switch (sighting.Message)
        {
            case CoordinatorClaim claim:
                ClaimSeen(sighting, claim);
                break;
            case CoordinatorBeat beat:
                Acts(sighting.Swarm, beat.Term, beat);
                break;
            case SwarmState state:
                last[sighting.Swarm] = state.Status;
                Grows(states, sighting.Swarm, state.Term, "state", state);
                Acts(sighting.Swarm, state.Term, state);
                break;
            case RollCall call:
                Acts(call.Swarm, call.Term, call);
                break;
            case CancelAttempt cancel:
                Acts(cancel.Swarm, cancel.Term, cancel);
                break;
            case FetchAhead order:
                Acts(order.Swarm, order.Term, order);
                break;
            case CoordinatorMessage other:
                Acts(sighting.Swarm, other.Term, other);
                break;
            case null when sighting.Levels is ["swarms", var swarm, "coordinator"]:
                retained[swarm] = 0;
                world.After(Patience, () => CheckRetained(swarm, era));
                break;
        }
    }

    // A broker without memory admits a first claim again.
    public void RetainedLost()
    {
        era++;
        acting.Clear();
        last.Clear();
        claims.Clear();
        states.Clear();
    }

    private void Acts(string swarm, long term, ControlMessage message)
    {
        var who = message.Incarnation;
        if (!acting.TryAdd((swarm, term), who) && acting[(swarm, term)] != who)
            world.Fail($"Two act for swarm {swarm} in term {term}: {acting[(swarm, term)]}, and {who} with a {message.GetType().Name}.");
    }

    // A predecessor's last words may come late, but must not stand.
    private void ClaimSeen(Sighting sighting, CoordinatorClaim claim)
    {
        retained[sighting.Swarm] = claim.Term;
        if (!sighting.IsLate)
            Grows(claims, sighting.Swarm, claim.Term, "claim", claim);
        else if (claim.Term < claims.GetValueOrDefault(sighting.Swarm))
            world.After(Patience, () => CheckRetained(sighting.Swarm, era));
    }

    private void CheckRetained(string swarm, int era)
    {
        // With its swarm the claim goes.
        if (retained[swarm] == 0 && last.GetValueOrDefault(swarm, RunStatus.Removed).IsRemoval())
            return;
        if (era == this.era && retained[swarm] < claims.GetValueOrDefault(swarm))
            world.Fail($"The claim of term {retained[swarm]} of swarm {swarm} stands where term {claims[swarm]} was reached.");
    }

    private void Grows(Dictionary<string, long> terms, string swarm, long term, string what, ControlMessage message)
    {
        if (term < terms.GetValueOrDefault(swarm))
            world.Fail($"The {what} of swarm {swarm} goes back from term {terms[swarm]} to {term} of {message.Incarnation}.");
        terms[swarm] = term;
    }
}

namespace MantaLight.Tasks;

/// <summary>What a task sees of its swarm and may change in it.</summary>
public sealed class World
{
    internal World(Globals globals, Results results, RoundRequests requests)
    {
        Globals = globals;
        Results = results;
        Requests = requests;
    }

    /// <summary>Swarm-wide named values, as they were committed when the attempt was scheduled.</summary>
    public Globals Globals { get; }

    /// <summary>Per-node named values of this round: the previous tasks' to read, this node's to add.</summary>
    public Results Results { get; }

    internal RoundRequests Requests { get; }

    /// <summary>Asks for another round that starts at the task <paramref name="alias"/>.</summary>
    /// <param name="nodeIds">The nodes to run it on; null to let the task's placement choose among those present.</param>
    /// <param name="alias">A root task of the graph; null for all of its roots.</param>
    /// <param name="reason">What the summary says, for example "threshold 99.0% not reached".</param>
    /// <param name="maximum">
    /// How many nodes it is to have: a count, or below 1 a part of those that could do it. Those of <paramref name="nodeIds"/> come first, in their order, and others take the place of who has gone away. Null: those
    /// alone, and who has gone away is waited for.
    /// </param>
    /// <exception cref="TaskContractException">The attempt already asked the swarm to stop, or the number is none.</exception>
    public void ScheduleNextRound(IReadOnlyCollection<string>? nodeIds = null, string? alias = null, string? reason = null, double? maximum = null) =>
        Requests.ScheduleNext(nodeIds, alias, reason, maximum);

    /// <summary>Asks for the end of the swarm after this round.</summary>
    /// <param name="reason">What the summary says, for example "accuracy 0.991 reached 0.99".</param>
    /// <param name="converged">True ends it as <c>completed</c>, false as <c>stopped</c>.</param>
    /// <exception cref="TaskContractException">The attempt already asked for another round.</exception>
    public void StopSwarm(string? reason = null, bool converged = true) => Requests.Stop(reason, converged);
}

/// <summary>The control requests that an attempt has made.</summary>
internal sealed class RoundRequests
{
    public RoundRequest? Request { get; private set; }

    public void ScheduleNext(IReadOnlyCollection<string>? nodeIds, string? alias, string? reason, double? maximum = null)
    {
        if (maximum is { } most && !(most > 0 && most <= int.MaxValue && (most < 1 || most == Math.Floor(most))))
            throw new TaskContractException($"The next round was asked for on {most} nodes; expected a count of 1 or more, or a part of them above 0 and below 1.");
        if (Request is { Stop: true })
            throw new TaskContractException("The attempt asked the swarm to stop and then for another round; it can have one of the two.");
        Request = new RoundRequest(Stop: false, Converged: false, reason, Nodes: nodeIds is null ? null : [.. nodeIds], alias, maximum);
    }

    public void Stop(string? reason, bool converged)
    {
        if (Request is { Stop: false })
            throw new TaskContractException("The attempt asked for another round and then the swarm to stop; it can have one of the two.");
        Request = new RoundRequest(Stop: true, converged, reason, Nodes: null, Alias: null);
    }
}

/// <summary>A scheduler's wish, part of its completed record.</summary>
internal sealed record RoundRequest(bool Stop, bool Converged, string? Reason, string[]? Nodes, string? Alias, double? Maximum = null);

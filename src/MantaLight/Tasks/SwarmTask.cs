using MantaLight.SecureAggregation;
using Microsoft.Extensions.Logging;

namespace MantaLight.Tasks;

/// <summary>
/// A piece of a swarm's work: worker, aggregator, test, scheduler. One instance in a DI scope of its own runs one
/// attempt; a constructor takes whatever the node's container has. Nothing that it does is seen by others before
/// <see cref="RunAsync"/> has returned and the coordinator has committed it, and then all of it at once.
/// </summary>
public abstract class SwarmTask
{
    private AttemptEnvironment? environment;

    /// <summary>The swarm: globals, results, what comes next.</summary>
    protected World World => Environment.World;

    /// <summary>This node: its data, which never leave it by themselves.</summary>
    protected Local Local => Environment.Local;

    /// <summary>A logger whose records are also published under the swarm's <c>logs/{node}</c>.</summary>
    protected ILogger Logger => Environment.Logger;

    /// <summary>Which attempt this is, its seed, deadline and progress reporter.</summary>
    protected AttemptContext Context => Environment.Context;

    /// <summary>The round's secure aggregation; null in a swarm without.</summary>
    private protected SecureAttempt? Secure => Environment.Secure;

    /// <summary>Does the work.</summary>
    /// <param name="cancellationToken">Cancelled at the deadline, when the node stops and when the attempt is no longer wanted.</param>
    public abstract Task RunAsync(CancellationToken cancellationToken);

    private AttemptEnvironment Environment => environment
        ?? throw new InvalidOperationException("World, Local, Logger and Context are there from RunAsync on, not in the constructor.");

    internal void Attach(AttemptEnvironment attempt) => environment = attempt;
}

/// <summary>Everything that an attempt sees.</summary>
internal sealed record AttemptEnvironment(World World, Local Local, ILogger Logger, AttemptContext Context)
{
    /// <summary>The round's secure aggregation; null in a swarm without.</summary>
    public SecureAttempt? Secure { get; init; }
}

using System.Text.Json;
using MantaLight.Concurrency;

namespace MantaLight.Tasks;

/// <summary>Which attempt is running.</summary>
public sealed class AttemptContext
{
    /// <summary>One for the whole process, as torch's default random generator is.</summary>
    internal static readonly AsyncGate ProcessGate = new(1);

    private readonly Action<TaskProgress> report;
    private readonly AsyncGate alone;

    internal AttemptContext(Action<TaskProgress> report, AsyncGate? alone = null) =>
        (this.report, this.alone) = (report, alone ?? ProcessGate);

    /// <summary>The swarm's id.</summary>
    public required string Swarm { get; init; }

    /// <summary>The round, from 1; 0 in the setup task.</summary>
    public required int Round { get; init; }

    /// <summary>The last round that the definition allows.</summary>
    public required int MaximumRounds { get; init; }

    /// <summary>This node's id.</summary>
    public required string Node { get; init; }

    /// <summary>The task's alias in the definition.</summary>
    public required string Alias { get; init; }

    /// <summary>The attempt's number, from 1: a retry has a higher one and the same seed.</summary>
    public required int Attempt { get; init; }

    /// <summary>The seed for all randomness of the attempt; a function of swarm seed, round, alias and node.</summary>
    public required ulong Seed { get; init; }

    /// <summary>Intra-op threads that the definition gives each attempt's numeric library.</summary>
    /// <value>1.</value>
    public int Threads { get; init; } = 1;

    /// <summary>When the attempt is given up.</summary>
    public required DateTimeOffset Deadline { get; init; }

    /// <summary>The task's <c>options</c> in the definition, as JSON; an empty object where it has none.</summary>
    public required JsonElement Options { get; init; }

    /// <summary>The clock.</summary>
    public required TimeProvider Time { get; init; }

    /// <summary>What the run has taken so far; null for a task that several nodes do.</summary>
    public SpentSoFar? Spent { get; init; }

    /// <summary>
    /// Who could do the next round's first task, in node-id order: online, with what it needs. Null for a task whose options have no <c>select</c>.
    /// </summary>
    public IReadOnlyList<string>? Candidates { get; init; }

    /// <summary>Tells watchers how far the attempt is; cheap enough for every batch (reports are thinned before they are sent).</summary>
    /// <param name="fraction">0 to 1.</param>
    /// <param name="loss">The current loss, where there is one.</param>
    public void Report(double fraction, double? loss = null) => report(new TaskProgress(fraction, loss));

    /// <summary>
    /// Waits until no other attempt in this process runs alone or is being constructed, and keeps it so until the result
    /// is disposed. For work that draws from a generator of the whole process (dropout in torch) and must still repeat
    /// bit for bit.
    /// </summary>
    public Task<IDisposable> RunAloneAsync(CancellationToken cancellationToken) => alone.EnterAsync(cancellationToken);
}

/// <summary>What a run has taken, as its coordinators have counted it.</summary>
/// <param name="Time">All rounds of this run, the one under way included.</param>
/// <param name="Bytes">Application bytes of all nodes and coordinators, up and down.</param>
/// <param name="RoundTime">The round under way.</param>
/// <param name="RoundBytes">Its bytes.</param>
public sealed record SpentSoFar(TimeSpan Time, long Bytes, TimeSpan RoundTime, long RoundBytes);

/// <summary>How far an attempt is.</summary>
/// <param name="Fraction">0 to 1.</param>
/// <param name="Loss">The current loss, where there is one.</param>
public readonly record struct TaskProgress(double Fraction, double? Loss);

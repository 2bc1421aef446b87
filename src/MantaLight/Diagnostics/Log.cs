using Microsoft.Extensions.Logging;

namespace MantaLight.Diagnostics;

/// <summary>All log events of the core.</summary>
internal static partial class Log
{
    [LoggerMessage(100, LogLevel.Information, "Node {Node} is online in cluster {Cluster} at {Broker}: data sets [{Datasets}], modules [{Modules}]")]
    public static partial void NodeOnline(ILogger logger, string node, string cluster, string broker, string datasets, string modules);

    [LoggerMessage(101, LogLevel.Information, "Node {Node} has said goodbye")]
    public static partial void NodeOffline(ILogger logger, string node);

    [LoggerMessage(102, LogLevel.Warning, "The connection to the broker was lost; reconnecting")]
    public static partial void ConnectionLost(ILogger logger);

    [LoggerMessage(103, LogLevel.Information, "The connection to the broker is back")]
    public static partial void ConnectionBack(ILogger logger);

    [LoggerMessage(104, LogLevel.Warning, "A message on {Topic} was dropped: {Problem}. Further ones of this kind are only counted (mantalight.messages.dropped)")]
    public static partial void MessageDropped(ILogger logger, string topic, string problem);

    [LoggerMessage(105, LogLevel.Error, "An event of swarm or node could not be handled and was skipped: {What}")]
    public static partial void EventFailed(ILogger logger, Exception exception, string what);

    [LoggerMessage(106, LogLevel.Error, "Another process has the node id {Node} (incarnation {Other}, started earlier); this one stops")]
    public static partial void NamesakeWins(ILogger logger, string node, string other);

    [LoggerMessage(107, LogLevel.Warning, "A message to {Topic} could not be published: {Problem}")]
    public static partial void PublishFailed(ILogger logger, string topic, string problem);

    [LoggerMessage(108, LogLevel.Warning, "Chunks asked for by {Node} could not be served: {Problem}")]
    public static partial void ServeFailed(ILogger logger, string node, string problem);

    [LoggerMessage(109, LogLevel.Warning, "{What}. Further ones of this kind are only counted (mantalight.messages.dropped, reason '{Reason}')")]
    public static partial void BoundReached(ILogger logger, string what, string reason);

    [LoggerMessage(200, LogLevel.Information, "Swarm {Swarm}: this node coordinates (term {Term})")]
    public static partial void Acting(ILogger logger, string swarm, long term);

    [LoggerMessage(201, LogLevel.Information, "Swarm {Swarm}: this node no longer coordinates ({Reason})")]
    public static partial void StoodDown(ILogger logger, string swarm, string reason);

    [LoggerMessage(202, LogLevel.Information, "Swarm {Swarm}: run {Run} is {Status}{Reason}")]
    public static partial void RunChanged(ILogger logger, string swarm, string run, string status, string reason);

    [LoggerMessage(203, LogLevel.Error, "Swarm {Swarm}: the definition is refused: {Problem}")]
    public static partial void DefinitionRefused(ILogger logger, string swarm, string problem);

    [LoggerMessage(204, LogLevel.Warning, "Swarm {Swarm}: the coordinator connection failed: {Problem}")]
    public static partial void SeatFailed(ILogger logger, string swarm, string problem);

    [LoggerMessage(205, LogLevel.Error, "Swarm {Swarm}: a step of its coordination could not be done; the run ends")]
    public static partial void CoordinationFailed(ILogger logger, Exception exception, string swarm);

    [LoggerMessage(206, LogLevel.Information, "Swarm {Swarm} waits: {What}")]
    public static partial void Waits(ILogger logger, string swarm, string what);

    [LoggerMessage(207, LogLevel.Warning, "Swarm {Swarm}: nobody has coordinated it for {Seconds:0} s, as far as this node has heard: {Why}")]
    public static partial void SeatVacant(ILogger logger, string swarm, double seconds, string why);

    [LoggerMessage(208, LogLevel.Information, "Swarm {Swarm} is coordinated again, by {Node} (term {Term})")]
    public static partial void SeatTaken(ILogger logger, string swarm, string node, long term);

    [LoggerMessage(300, LogLevel.Information, "Attempt {Attempt} begins")]
    public static partial void AttemptBegins(ILogger logger, string attempt);

    [LoggerMessage(301, LogLevel.Information, "Attempt {Attempt} completed after {Seconds:0.00} s")]
    public static partial void AttemptCompleted(ILogger logger, string attempt, double seconds);

    [LoggerMessage(302, LogLevel.Error, "Attempt {Attempt} failed: {Error}: {Message}")]
    public static partial void AttemptFailed(ILogger logger, string attempt, string error, string message);

    [LoggerMessage(303, LogLevel.Information, "Attempt {Attempt} was cancelled: {Reason}")]
    public static partial void AttemptCancelled(ILogger logger, string attempt, string reason);

    [LoggerMessage(304, LogLevel.Warning, "Attempt {Attempt} was to end {Seconds:0} s ago, and its task goes on: it does not heed its CancellationToken. The node goes on without it")]
    public static partial void AttemptAbandoned(ILogger logger, string attempt, double seconds);

    [LoggerMessage(305, LogLevel.Warning, "Attempt {Attempt}: what its task has registered for its cancellation failed: {Message}")]
    public static partial void CancelCallbackFailed(ILogger logger, string attempt, string message);

    [LoggerMessage(400, LogLevel.Warning, "Blob {Hash} on this node's disk is not what its hash says; it is dropped")]
    public static partial void BlobSpoiled(ILogger logger, string hash);

    [LoggerMessage(401, LogLevel.Warning, "Journal entry {Name} on this node's disk is spoiled, or its blobs are gone; it is dropped")]
    public static partial void JournalSpoiled(ILogger logger, string name);

    [LoggerMessage(402, LogLevel.Warning, "Attempt {Attempt} could not be written to the journal and would be done again after a crash: {Problem}")]
    public static partial void JournalFailed(ILogger logger, string attempt, string problem);

    [LoggerMessage(403, LogLevel.Warning, "This node's own copy {Name} is spoiled; it is dropped")]
    public static partial void ArchiveSpoiled(ILogger logger, string name);

    [LoggerMessage(404, LogLevel.Warning, "This node's own copy {Name} could not be written: {Problem}")]
    public static partial void ArchiveFailed(ILogger logger, string name, string problem);

    [LoggerMessage(406, LogLevel.Warning, "Swarm {Swarm}: global {Hash} cannot be put back on the broker yet: {Problem}")]
    public static partial void RepairFailed(ILogger logger, string swarm, string hash, string problem);

    [LoggerMessage(405, LogLevel.Warning, "Swarm {Swarm}: the broker has lost {What}; it is published again from this node's own copy")]
    public static partial void PublishedAgain(ILogger logger, string swarm, string what);

    [LoggerMessage(650, LogLevel.Information, "Statistics over {Nodes} nodes, {Column}: {Text}")]
    public static partial void StatisticsKnown(ILogger logger, int nodes, string column, string text);

    [LoggerMessage(651, LogLevel.Information, "These statistics cost an epsilon of {Epsilon:0.####} (spent, with repeated attempts: {Spent:0.####}) of each row; secret noise: {IsSecret}")]
    public static partial void StatisticsCost(ILogger logger, double epsilon, double spent, bool isSecret);

    [LoggerMessage(450, LogLevel.Information, "Node {Node} is seen for the first time: its identity is taken on trust, and no other is accepted for it from here on")]
    public static partial void FirstSeen(ILogger logger, string node);

    [LoggerMessage(451, LogLevel.Information, "Node {Node} takes no part in this round's secure aggregation from here on")]
    public static partial void NoPart(ILogger logger, string node);

    [LoggerMessage(452, LogLevel.Warning, "The contribution of {Node} is left out: {Reason}")]
    public static partial void LeftOut(ILogger logger, string node, string reason);
}

using System.Globalization;
using MantaLight.Coordination;
using MantaLight.Diagnostics;
using Microsoft.Extensions.Logging;

namespace MantaLight.Nodes;

/// <summary>
/// Says in a node's log that nobody coordinates a swarm that should be, and why this node does not either: else a wait for
/// somebody would look like one for nothing.
/// </summary>
internal sealed class VacancyLog(ILogger logger, string swarm)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Pause = TimeSpan.FromMinutes(1);

    private DateTimeOffset? since;
    private DateTimeOffset? told;

    /// <summary>Somebody has given a sign that it coordinates.</summary>
    public void Taken(string node, long term)
    {
        if (told is not null)
            Log.SeatTaken(logger, swarm, node, term);
        since = told = null;
    }

    /// <summary>Notices that time has gone by.</summary>
    /// <param name="isWanted">Whether there is something to coordinate.</param>
    /// <param name="election">Where this node stands.</param>
    /// <param name="failure">Why it could not take the seat the last time, where it tried.</param>
    /// <param name="now">The time.</param>
    public void Look(bool isWanted, ElectionState election, string? failure, DateTimeOffset now)
    {
        if (!isWanted)
        {
            since = told = null;
            return;
        }
        since ??= now;
        if (now - since < Patience || now - told < Pause)
            return;
        told = now;
        Log.SeatVacant(logger, swarm, (now - since.Value).TotalSeconds, Why(election, now) + (failure is null ? "" : $"; its last try failed: {failure}"));
    }

    private static string Why(ElectionState election, DateTimeOffset now) => election switch
    {
        { NodeConnected: false } => "this node has no connection to the broker",
        { Role: ElectionRole.Idle } => "this node leaves it to those whose module fits the definition",
        { Role: ElectionRole.Watching, Due: { } due } => string.Create(CultureInfo.InvariantCulture,
            $"this node stands in {Math.Max(0, Math.Ceiling((due - now).TotalSeconds)):F0} s, as number {Rendezvous.Rank(election.Swarm, election.Node, election.Candidates) + 1} of {election.Candidates.Count}"),
        { Role: ElectionRole.Watching } => "this node stands when the one before has been silent for long enough",
        { Role: ElectionRole.Connecting } => "this node opens a connection to coordinate over",
        _ => "this node claims the seat",
    };
}

using MantaLight.Protocol;
using MantaLight.Swarms;

namespace MantaLight.Simulation;

/// <summary>How many messages of a kind a history may have, and how large they may be on average.</summary>
/// <param name="What">What they are.</param>
/// <param name="Messages">How many events account for.</param>
/// <param name="Size">How large.</param>
/// <param name="Repeated">How many a second what lasts may repeat.</param>
internal sealed record Budget(string What, Func<TrafficCheck, double> Messages, Func<TrafficCheck, double> Size, Func<TrafficCheck, double>? Repeated = null)
{
    // A beat every five seconds, and one at once.
    private static readonly Budget Beats = new("beats", t => (2 * Swarms(t)) + t.Terms, _ => 200, t => Swarms(t) / 5.0);

    // Claimed, read back, given back, lost. Who comes to the seat and does not get it leaves a will, and comes again.
    private static readonly Budget Claims = new("claims", t => 4 * t.Terms, _ => 250, t => Swarms(t) * Nodes(t) / 10.0);

    // Each task begins and is committed, and each coordinator finds the round again; a wait is told anew every five seconds,
    // and ends and begins again with each deadline. Its size is that of its history.
    private static readonly Budget States = new("states", t => (7 * t.Rounds) + (6 * t.Terms), t => 2000 + (700 * Math.Min(t.Rounds, SwarmState.MaximumHistory)), t => (Swarms(t) / 5.0) + (Patient(t) / SwarmPlan.ShortestDeadline.TotalSeconds));

    // What nobody accepts is sent again every three seconds.
    private static readonly Budget Schedules = new("schedule messages", t => 1.5 * Attempts(t) * t.Rounds, t => 1200 + (500 * Nodes(t)), t => Swarms(t) * Nodes(t) / 3.0);

    // Accepted, running, completed; and what is not committed yet is said again every three seconds.
    private static readonly Budget Updates = new("updates of tasks", t => 4 * Attempts(t) * t.Rounds, _ => 1000, t => Swarms(t) * Nodes(t) / 3.0);

    // One for each result that another node will read.
    private static readonly Budget Hints = new("results to come", t => 1.5 * Attempts(t) * t.Rounds, _ => 900);

    private static readonly Budget Results = new("results", t => 1.5 * Attempts(t) * t.Rounds, _ => 500);

    // One node pulls the results of all, and asks again for what was lost on the way; what nobody has is asked for every few seconds, by
    // those who need it and by the coordinator who would put it back.
    private static readonly Budget Requests = new("requests for chunks", t => 1.5 * Nodes(t) * (t.Rounds + t.Terms), _ => 400, t => 2 * Swarms(t) * Nodes(t) / 4.0);

    private static readonly Budget Pulled = new("chunks of results", t => Chunks(t) * Nodes(t) * (t.Rounds + t.Terms), t => ChunkSize(t) + 100);

    // Put there, cleared, and looked after by a coordinator that begins.
    private static readonly Budget Kept = new("chunks of globals", t => Chunks(t) * ((3 * t.Rounds) + (2 * t.Terms)), t => ChunkSize(t) + 100);

    private static readonly Budget Pointers = new("globals", t => (2 * t.Rounds) + (3 * t.Terms), _ => 500);

    // A broker that restarts is told by everybody.
    private static readonly Budget Presences = new("presences", t => Nodes(t) * (3 + (2 * t.Plan.Faults)), _ => 600);

    // Roll calls and what is asked where something is missing; what cannot be done, and is waited for, is cancelled at each deadline.
    private static readonly Budget Calls = new("calls", t => Nodes(t) * ((2 * t.Terms) + t.Plan.Faults), _ => 500, t => Patient(t) * Nodes(t) / SwarmPlan.ShortestDeadline.TotalSeconds);

    private static readonly Budget Memories = new("recollections", t => Nodes(t) * t.Terms, t => 3000 + (700 * Math.Min(t.Rounds, SwarmState.MaximumHistory)));

    /// <summary>The one that a message counts for; null for what the owner says.</summary>
    public static Budget? Of(Sighting sighting) => sighting.Message switch
    {
        CoordinatorBeat => Beats,
        CoordinatorClaim or CoordinatorLost => Claims,
        SwarmState => States,
        ScheduleAttempt => Schedules,
        TaskUpdate => Updates,
        ResultValue => Results,
        BlobRequest or BlobRefusal => Requests,
        GlobalValue => Pointers,
        Presence => Presences,
        Recollection => Memories,
        FetchAhead => Hints,
        AreYouThere or WhoIsThere or RollCall or Recall or CancelAttempt => Calls,
        _ => sighting.Levels switch
        {
            ["nodes", _, "blobs", ..] => Pulled,
            [_, _, "blobs", ..] => Kept,
            _ => null,
        },
    };

    private static int Nodes(TrafficCheck traffic) => traffic.Plan.Nodes.Length;

    private static int Swarms(TrafficCheck traffic) => traffic.Plan.Swarms.Length;

    /// <summary>Those that try again at each deadline, however long.</summary>
    private static int Patient(TrafficCheck traffic) => traffic.Plan.Swarms.Count(s => s.OnShortfall == ShortfallPolicy.Wait);

    // All train and all test; one aggregates and one decides.
    private static int Attempts(TrafficCheck traffic) => (2 * Nodes(traffic)) + 2;

    private static int ChunkSize(TrafficCheck traffic) => traffic.Plan.Temper.Limits.ChunkSize;

    private static int Chunks(TrafficCheck traffic) => ((ValueCheck.Length * sizeof(float)) + 128 + ChunkSize(traffic) - 1) / ChunkSize(traffic);
}

using System.Collections.Concurrent;
using MantaLight.Protocol;
using MantaLight.Weights;

namespace MantaLight.Virtual;

/// <summary>What virtual nodes' packed contributions have lost, in memory: two models for each that has taken part.</summary>
internal sealed class VirtualResiduals
{
    private readonly ConcurrentDictionary<(string Node, string Alias, string Tag), Lost> lost = new();

    /// <summary>What the rounds before have lost; null for nothing.</summary>
    public NamedArrays? Read(string node, ScheduleAttempt schedule, string tag) =>
        !lost.TryGetValue((node, schedule.Alias, tag), out var known) ? null : known.Round < schedule.Round ? known.Now : known.Before;

    /// <summary>Keeps what a round loses; in place of what an earlier attempt at it had kept.</summary>
    public void Write(string node, ScheduleAttempt schedule, string tag, NamedArrays residual) => lost.AddOrUpdate(
        (node, schedule.Alias, tag),
        _ => new Lost(schedule.Round, residual, null),
        (_, known) => new Lost(schedule.Round, residual, known.Round < schedule.Round ? known.Now : known.Before));

    private sealed record Lost(int Round, NamedArrays Now, NamedArrays? Before);
}

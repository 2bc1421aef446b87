using System.Globalization;
using MantaLight.Protocol;
using MantaLight.Storage;
using MantaLight.Weights;

namespace MantaLight.Nodes;

/// <summary>
/// What a node's packed contributions have lost and later ones are to make up for (error feedback), on its disk, by round. What a round has lost counts only if
/// its contribution did: where the coordinator has gone on without it, the next one makes up for what the round before had lost.
/// </summary>
internal sealed class Residuals(IDisk disk)
{
    private const string Folder = "residuals";

    /// <summary>What the rounds before have lost; null for nothing. Dispose it when done.</summary>
    public NamedArrays? Read(string swarm, ScheduleAttempt schedule, string tag)
    {
        foreach (var (name, round) in Of(swarm, schedule.Run, schedule.Alias, tag).OrderByDescending(r => r.Round).Where(r => r.Round < schedule.Round))
        {
            using var file = disk.Open(name);
            if (file is null || disk.Map(name, file.Length) is not { } mapped)
                continue;
            try
            {
                return WeightsCodec.Decode(mapped.Content, mapped);
            }
            catch (MalformedDataException)
            {
                // The disk has spoiled it: that costs accuracy for a round, not the round.
                mapped.Dispose();
                disk.Delete(name);
            }
        }
        return null;
    }

    /// <summary>Keeps what a round loses; in place of what an earlier attempt at it had kept.</summary>
    /// <exception cref="IOException">The disk is full.</exception>
    public void Write(string swarm, ScheduleAttempt schedule, string tag, NamedArrays residual)
    {
        var content = WeightsCodec.Encode(residual);
        using var draft = disk.Create(Folder, content.Length);
        long offset = 0;
        foreach (var segment in content)
        {
            draft.Write(offset, segment.Span);
            offset += segment.Length;
        }
        draft.Keep(string.Create(CultureInfo.InvariantCulture, $"{Folder}/{swarm}.{schedule.Run}.{schedule.Alias}.{tag}.{schedule.Round}"), durable: false);
    }

    /// <summary>Takes note of whether a round's contribution counted.</summary>
    public void Settle(string swarm, ScheduleAttempt schedule, bool counted)
    {
        foreach (var (name, round) in Of(swarm, schedule.Run, schedule.Alias, tag: null))
        {
            if (counted ? round < schedule.Round : round == schedule.Round)
                disk.Delete(name);
        }
    }

    /// <summary>Forgets all runs of a swarm but one; null for all.</summary>
    public void Forget(string swarm, string? but)
    {
        foreach (var (name, parts) in All().Where(f => f.Parts[0] == swarm && f.Parts[1] != but))
            disk.Delete(name);
    }

    /// <summary>Forgets swarms that the node does not know any more.</summary>
    public void ForgetAllBut(IReadOnlySet<string> swarms)
    {
        foreach (var (name, parts) in All().Where(f => !swarms.Contains(f.Parts[0])))
            disk.Delete(name);
    }

    // Ids, tags, aliases and runs have no dots.
    private (string Name, string[] Parts)[] All() =>
        disk.List(Folder).Select(file => (file.Name, Parts: file.Name[(Folder.Length + 1)..].Split('.'))).Where(f => f.Parts.Length == 5).ToArray();

    private IEnumerable<(string Name, int Round)> Of(string swarm, string run, string alias, string? tag) =>
        from file in All()
        where file.Parts[0] == swarm && file.Parts[1] == run && file.Parts[2] == alias && (tag is null || file.Parts[3] == tag)
        select (file.Name, int.TryParse(file.Parts[4], NumberStyles.None, CultureInfo.InvariantCulture, out var round) ? round : 0);
}

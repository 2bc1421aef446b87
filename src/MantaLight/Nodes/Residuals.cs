using System.Globalization;
using System.Security.Cryptography;
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
        foreach (var file in Of(swarm, schedule).Where(f => f.Tag == tag && f.Round < schedule.Round).OrderByDescending(f => f.Round))
        {
            if (ReadWhole(file.Name) is { } residual)
                return residual;
            // The disk has spoiled it: that costs accuracy for a round, not the round.
            disk.Delete(file.Name);
        }
        return null;
    }

    /// <summary>Keeps what a round loses; in place of what an earlier attempt at it had kept.</summary>
    /// <exception cref="IOException">The disk is full.</exception>
    public void Write(string swarm, ScheduleAttempt schedule, string tag, NamedArrays residual)
    {
        var content = WeightsCodec.Encode(residual);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using var draft = disk.Create(Folder, content.Length + SHA256.HashSizeInBytes);
        long offset = 0;
        foreach (var segment in content)
        {
            hash.AppendData(segment.Span);
            draft.Write(offset, segment.Span);
            offset += segment.Length;
        }
        draft.Write(offset, hash.GetHashAndReset());
        draft.Keep(string.Create(CultureInfo.InvariantCulture, $"{Folder}/{swarm}.{schedule.Run}.{schedule.Alias}.{tag}.{schedule.Round}"), Flush.Behind);
    }

    /// <summary>Takes note of whether a round's contribution counted.</summary>
    public void Settle(string swarm, ScheduleAttempt schedule, bool counted)
    {
        var files = Of(swarm, schedule).ToArray();
        foreach (var own in files.Where(f => f.Round == schedule.Round))
        {
            if (!counted)
                disk.Delete(own.Name);
            foreach (var older in files.Where(f => counted && f.Tag == own.Tag && f.Round < own.Round))
                disk.Delete(older.Name);
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

    private NamedArrays? ReadWhole(string name)
    {
        long length;
        using (var file = disk.Open(name))
            length = file?.Length ?? 0;
        if (length <= SHA256.HashSizeInBytes || disk.Map(name, length) is not { } mapped)
            return null;
        try
        {
            var content = mapped.Content.Slice(0, length - SHA256.HashSizeInBytes);
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            foreach (var segment in content)
                hash.AppendData(segment.Span);
            var seal = new byte[SHA256.HashSizeInBytes];
            System.Buffers.BuffersExtensions.CopyTo(mapped.Content.Slice(content.Length), seal);
            if (hash.GetHashAndReset().AsSpan().SequenceEqual(seal))
                return WeightsCodec.Decode(content, mapped);
        }
        catch (MalformedDataException)
        {
            // As if it had not the hash.
        }
        mapped.Dispose();
        return null;
    }

    // Ids, tags, aliases and runs have no dots.
    private (string Name, string[] Parts)[] All() =>
        [.. disk.List(Folder).Select(file => (file.Name, Parts: file.Name[(Folder.Length + 1)..].Split('.'))).Where(f => f.Parts.Length == 5)];

    private IEnumerable<(string Name, string Tag, int Round)> Of(string swarm, ScheduleAttempt schedule) =>
        from file in All()
        where file.Parts[0] == swarm && file.Parts[1] == schedule.Run && file.Parts[2] == schedule.Alias
        select (file.Name, file.Parts[3], int.TryParse(file.Parts[4], NumberStyles.None, CultureInfo.InvariantCulture, out var round) ? round : 0);
}

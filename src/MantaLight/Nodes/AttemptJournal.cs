using System.Buffers;
using System.Globalization;
using MantaLight.Blobs;
using MantaLight.Diagnostics;
using MantaLight.Protocol;
using MantaLight.Storage;
using Microsoft.Extensions.Logging;

namespace MantaLight.Nodes;

/// <summary>A completed attempt as it was written down.</summary>
internal sealed record JournalEntry(string Swarm, ScheduleAttempt Schedule, TaskCompleted Record);

/// <summary>
/// The node's completed attempts on its disk, until their round is over: a node that was killed and is back answers with
/// what it had done instead of doing it again.
/// </summary>
internal sealed class AttemptJournal(IDisk disk, ILogger logger)
{
    private const string Folder = "journal";
    private const int MaximumEntry = 2 * ProtocolJson.MaximumMessage;

    /// <summary>Writes an attempt down. A disk that is full costs at most that it is done again.</summary>
    public void Write(string swarm, ScheduleAttempt schedule, TaskCompleted record)
    {
        try
        {
            // What a retry needs to know of the order; the inputs, which can be many, are not needed any more.
            var order = ProtocolJson.Write(schedule with { Globals = [], Inputs = [] });
            SealedFile.Write(disk, NameOf(swarm, schedule), [.. order, (byte)'\n', .. ProtocolJson.Write(record)], Flush.Behind);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Log.JournalFailed(logger, schedule.Attempt, e.Message);
        }
    }

    public void Delete(string swarm, ScheduleAttempt schedule) => disk.Delete(NameOf(swarm, schedule));

    /// <summary>What an earlier process has written down; what cannot be served any more is dropped.</summary>
    public IReadOnlyList<JournalEntry> Load(BlobStore store)
    {
        var entries = new List<JournalEntry>();
        foreach (var file in disk.List(Folder))
        {
            if (Read(file.Name) is { } entry && NameOf(entry.Swarm, entry.Schedule) == file.Name && BlobsOf(entry.Record).All(b => store.Contains(b.Sha256)))
            {
                entries.Add(entry);
                continue;
            }
            Log.JournalSpoiled(logger, file.Name);
            disk.Delete(file.Name);
        }
        return entries;
    }

    /// <summary>The blobs that a record points to.</summary>
    public static IEnumerable<BlobRef> BlobsOf(TaskCompleted record) =>
        record.Globals.Select(g => g.Content.Blob).Concat(record.Results.Select(r => r.Content.Blob)).OfType<BlobRef>();

    private JournalEntry? Read(string name)
    {
        if (SealedFile.Read(disk, name, MaximumEntry) is not { } content)
            return null;
        var end = content.Span.IndexOf((byte)'\n');
        if (end < 0)
            return null;
        var schedule = ProtocolJson.Read<ScheduleAttempt>(new ReadOnlySequence<byte>(content[..end]), out _);
        var record = ProtocolJson.Read<TaskCompleted>(new ReadOnlySequence<byte>(content[(end + 1)..]), out _);
        var swarm = name[(Folder.Length + 1)..].Split('.')[0];
        return schedule is null || record is null || !Identifier.IsValid(swarm) ? null : new JournalEntry(swarm, schedule, record);
    }

    // Ids have no dots.
    private static string NameOf(string swarm, ScheduleAttempt schedule) =>
        string.Create(CultureInfo.InvariantCulture, $"{Folder}/{swarm}.{schedule.Alias}.{schedule.Round}.{schedule.Run}");
}

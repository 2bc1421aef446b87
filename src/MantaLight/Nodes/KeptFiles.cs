using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using MantaLight.Concurrency;
using MantaLight.Protocol;
using MantaLight.Storage;
using MantaLight.Tasks;
using MantaLight.Weights;

namespace MantaLight.Nodes;

/// <summary>
/// What a node keeps for itself from round to round, on its disk: tasks' own states, and what packed contributions have lost and later ones are to make up for (error feedback). A file for each
/// version, <c>kept/{swarm}.{run}.{alias}.{name}.{round}</c>, with <c>.open</c> behind it as long as it is not known whether its record counted.
/// </summary>
/// <param name="disk">The node's.</param>
/// <param name="time">The clock.</param>
internal sealed class KeptFiles(IDisk disk, TimeProvider time)
{
    private const string Folder = "kept", Open = "open";

    // The state that tells of the round before is on its way where the order for this one has come.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private static readonly IReadOnlySet<string> None = new HashSet<string>();

    // Attempts and the node's loop.
    private readonly Lock gate = new();
    private readonly List<Awaited<object>> waiting = [];
    private readonly Dictionary<(string Swarm, string Run), KeptVersions<string>> runs = Load(disk);

    /// <summary>What error feedback keeps under: no task's own name looks like that.</summary>
    public static string NameOfLost(string alias, string tag) => $"{alias}+{tag}";

    /// <summary>Drops what is of other swarms, and what attempts had set that have not completed: an earlier process has left it.</summary>
    public void Restore(IReadOnlySet<string> swarms, IEnumerable<JournalEntry> completed)
    {
        var done = completed.Select(c => (c.Swarm, c.Schedule.Run, c.Schedule.Round, c.Schedule.Alias)).ToHashSet();
        lock (gate)
        {
            foreach (var (key, versions) in runs)
            {
                foreach (var (name, version) in versions.All.Where(v => !v.Version.IsSettled && !done.Contains((key.Swarm, key.Run, v.Version.Round, v.Version.Alias))).ToArray())
                    Drop(versions, name, version);
                foreach (var (_, version) in versions.All)
                    version.IsMade = true;
            }
        }
        Forget(key => !swarms.Contains(key.Swarm));
    }

    /// <summary>What was in force before an attempt, as far as is known; null for nothing. Dispose it when done.</summary>
    public NamedArrays? Read(string swarm, ScheduleAttempt schedule, string name) => Read(() => Find(swarm, schedule, name, None), swarm, schedule, name);

    /// <summary>What was in force before an attempt: waits a while for the word whether a record counted, where that has not come yet.</summary>
    /// <param name="swarm">The swarm.</param>
    /// <param name="schedule">The attempt.</param>
    /// <param name="name">The name.</param>
    /// <param name="before">The tasks that the attempt's waits for.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Null for nothing. Dispose it when done.</returns>
    public async Task<NamedArrays?> ReadAsync(string swarm, ScheduleAttempt schedule, string name, IReadOnlySet<string> before, CancellationToken cancellationToken)
    {
        KeptVersion<string>? Newest() => Find(swarm, schedule, name, before);
        var until = time.SteadyNow() + Patience;
        while (until - time.SteadyNow() is var left && left > TimeSpan.Zero)
        {
            var word = new Awaited<object>();
            lock (gate)
            {
                if (Newest() is not { IsSettled: false, IsTold: false })
                    break;
                waiting.Add(word);
            }
            await word.WaitAsync(left, time, cancellationToken);
        }
        return Read(Newest, swarm, schedule, name);
    }

    /// <summary>Keeps what an attempt sets; in place of what an earlier attempt at it had set.</summary>
    /// <exception cref="TaskContractException">The name is another task's, or there are too many.</exception>
    /// <exception cref="IOException">The disk is full.</exception>
    public void Write(string swarm, ScheduleAttempt schedule, string name, NamedArrays value)
    {
        lock (gate)
            RequireRoom(swarm, schedule, name);
        var content = WeightsCodec.Encode(value);
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
        var file = string.Create(CultureInfo.InvariantCulture, $"{Folder}/{swarm}.{schedule.Run}.{schedule.Alias}.{name}.{schedule.Round}.{Open}");
        lock (gate)
        {
            RequireRoom(swarm, schedule, name);
            draft.Keep(file, Flush.Behind);
            VersionsOf(swarm, schedule.Run).Put(name, new KeptVersion<string>(schedule.Round, schedule.Alias, file));
        }
    }

    /// <summary>Whether an attempt has set something.</summary>
    public bool Has(string swarm, ScheduleAttempt schedule)
    {
        lock (gate)
            return runs.GetValueOrDefault((swarm, schedule.Run))?.Has(schedule.Round, schedule.Alias) == true;
    }

    /// <summary>Takes note that an attempt has completed: what it has set may be read from now on.</summary>
    public void Complete(string swarm, ScheduleAttempt schedule)
    {
        lock (gate)
            runs.GetValueOrDefault((swarm, schedule.Run))?.Complete(schedule.Round, schedule.Alias);
    }

    /// <summary>Takes note of what a state says of an attempt.</summary>
    /// <param name="swarm">The swarm.</param>
    /// <param name="schedule">The attempt.</param>
    /// <param name="counts">Whether its record counts; null where the state does not tell.</param>
    public void Tell(string swarm, ScheduleAttempt schedule, bool? counts)
    {
        lock (gate)
        {
            runs.GetValueOrDefault((swarm, schedule.Run))?.Tell(schedule.Round, schedule.Alias, counts);
            Wake();
        }
    }

    /// <summary>Takes note of what has become of an attempt.</summary>
    public void Settle(string swarm, ScheduleAttempt schedule, bool counted)
    {
        lock (gate)
        {
            if (runs.GetValueOrDefault((swarm, schedule.Run)) is not { } versions)
                return;
            foreach (var file in versions.Settle(schedule.Round, schedule.Alias, counted))
                disk.Delete(file);
            foreach (var (_, version) in versions.All.Where(v => v.Version.IsSettled && v.Version.Value.EndsWith(Open, StringComparison.Ordinal)))
            {
                var settled = version.Value[..^(Open.Length + 1)];
                if (disk.TryRename(version.Value, settled))
                    version.Value = settled;
            }
            Wake();
        }
    }

    /// <summary>Forgets all runs of a swarm but some.</summary>
    public void Forget(string swarm, params IReadOnlyCollection<string> but) => Forget(key => key.Swarm == swarm && !but.Contains(key.Run));

    private void Forget(Func<(string Swarm, string Run), bool> which)
    {
        lock (gate)
        {
            foreach (var (key, versions) in runs.Where(r => which(r.Key)).ToArray())
            {
                foreach (var (_, version) in versions.All)
                    disk.Delete(version.Value);
                runs.Remove(key);
            }
        }
    }

    private KeptVersion<string>? Find(string swarm, ScheduleAttempt schedule, string name, IReadOnlySet<string> before)
    {
        lock (gate)
            return runs.GetValueOrDefault((swarm, schedule.Run))?.Find(name, schedule.Round, schedule.Alias, before);
    }

    private NamedArrays? Read(Func<KeptVersion<string>?> newest, string swarm, ScheduleAttempt schedule, string name)
    {
        while (newest() is { } version)
        {
            var file = version.Value;
            if (ReadWhole(file) is { } value)
                return value;
            lock (gate)
            {
                // It may have got its other name, or gone, meanwhile. Else the disk has spoiled it: what was before it is there in its place.
                if (version.Value == file)
                    Drop(VersionsOf(swarm, schedule.Run), name, version);
            }
        }
        return null;
    }

    private NamedArrays? ReadWhole(string file)
    {
        long length;
        using (var opened = disk.Open(file))
            length = opened?.Length ?? 0;
        if (length <= SHA256.HashSizeInBytes)
            return null;
        DiskMemory? mapped = null;
        try
        {
            mapped = disk.Map(file, length);
            if (mapped is null)
                return null;
            var content = mapped.Content.Slice(0, length - SHA256.HashSizeInBytes);
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            foreach (var segment in content)
                hash.AppendData(segment.Span);
            var seal = new byte[SHA256.HashSizeInBytes];
            mapped.Content.Slice(content.Length).CopyTo(seal);
            if (hash.GetHashAndReset().AsSpan().SequenceEqual(seal))
                return WeightsCodec.Decode(content, mapped);
        }
        catch (MalformedDataException)
        {
            // As if it had not the hash.
        }
        mapped?.Dispose();
        return null;
    }

    private void RequireRoom(string swarm, ScheduleAttempt schedule, string name)
    {
        var versions = VersionsOf(swarm, schedule.Run);
        if (versions.OwnerOf(name) is { } owner && owner != schedule.Alias)
            throw KeptNames.Foreign(name, owner);
        if (versions.OwnerOf(name) is null && KeptNames.AreFull(versions.Names))
            throw KeptNames.TooMany(name);
    }

    private KeptVersions<string> VersionsOf(string swarm, string run) => runs.TryGetValue((swarm, run), out var versions) ? versions : runs[(swarm, run)] = new KeptVersions<string>();

    private void Drop(KeptVersions<string> versions, string name, KeptVersion<string> version)
    {
        versions.Drop(name, version);
        disk.Delete(version.Value);
    }

    private void Wake()
    {
        foreach (var word in waiting)
            word.TrySet(this);
        waiting.Clear();
    }

    // Ids, tags, aliases and runs have no dots.
    private static Dictionary<(string Swarm, string Run), KeptVersions<string>> Load(IDisk disk)
    {
        var runs = new Dictionary<(string, string), KeptVersions<string>>();
        foreach (var (file, parts) in disk.List(Folder).Select(f => (f.Name, Parts: f.Name[(Folder.Length + 1)..].Split('.'))).OrderBy(f => f.Parts.Length))
        {
            if (!int.TryParse(parts.ElementAtOrDefault(4), NumberStyles.None, CultureInfo.InvariantCulture, out var round) || parts.Length > 6 || (parts.Length == 6 && parts[5] != Open))
                continue;
            var key = (parts[0], parts[1]);
            if (!runs.TryGetValue(key, out var versions))
                runs[key] = versions = new KeptVersions<string>();
            versions.Put(parts[3], new KeptVersion<string>(round, parts[2], file) { IsSettled = parts.Length == 5 });
        }
        return runs;
    }
}

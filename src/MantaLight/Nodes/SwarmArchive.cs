using System.Buffers;
using System.Collections.Immutable;
using System.Threading.Channels;
using MantaLight.Concurrency;
using MantaLight.Diagnostics;
using MantaLight.Protocol;
using MantaLight.Storage;
using Microsoft.Extensions.Logging;

namespace MantaLight.Nodes;

/// <summary>A swarm as a node had known it.</summary>
/// <param name="Swarm">Its id.</param>
/// <param name="Definition">The definition's bytes; null where they were not kept.</param>
/// <param name="State">The last committed state; null where there was none.</param>
internal sealed record RememberedSwarm(string Swarm, ReadOnlyMemory<byte>? Definition, SwarmState? State);

/// <summary>
/// The node's own copy of every swarm's definition and committed state, for the day when the broker has lost them. Written
/// beside the node's loop; of what comes faster than the disk is, only the last is written.
/// </summary>
internal sealed class SwarmArchive : IAsyncDisposable
{
    private const string Folder = "swarms";
    private const string DefinitionEnding = ".definition";
    private const string StateEnding = ".state";

    /// <summary>For how long a node that has the definition is waited for.</summary>
    private static readonly TimeSpan OrphanPatience = TimeSpan.FromDays(1);

    private readonly Lock gate = new();
    // Made when they are written: of most nobody asks for the bytes.
    private readonly SortedDictionary<string, Func<byte[]>?> pending = new(StringComparer.Ordinal);
    private readonly Channel<bool> wake = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { SingleReader = true, FullMode = BoundedChannelFullMode.DropWrite });
    private readonly IDisk disk;
    private readonly ILogger logger;
    private readonly Task writing;

    public SwarmArchive(IDisk disk, ILogger logger)
    {
        (this.disk, this.logger) = (disk, logger);
        writing = Background.Run(WriteAsync);
    }

    /// <summary>What an earlier process has kept.</summary>
    public ImmutableArray<RememberedSwarm> Load(DateTimeOffset now)
    {
        var files = disk.List(Folder);
        // A state whose definition is lost helps nobody but a node that has it and may come back; the swarm may have been removed.
        foreach (var orphan in files.Where(f => f.Name.EndsWith(StateEnding, StringComparison.Ordinal) && now - f.Modified > OrphanPatience
            && !disk.Exists(Path.ChangeExtension(f.Name, DefinitionEnding))))
        {
            disk.Delete(orphan.Name);
        }
        var swarms = files
            .Select(file => Path.GetFileNameWithoutExtension(file.Name))
            .Where(Identifier.IsValid)
            .Distinct(StringComparer.Ordinal);
        return [.. swarms.Select(swarm => new RememberedSwarm(swarm, ReadKept(swarm + DefinitionEnding), StateOf(swarm))).Where(s => s is not { Definition: null, State: null })];
    }

    public void KeepDefinition(string swarm, byte[] definition) => Put(swarm + DefinitionEnding, () => definition);

    public void KeepState(string swarm, SwarmState state) => Put(swarm + StateEnding, () => ProtocolJson.Write(state));

    public void Forget(string swarm)
    {
        Put(swarm + DefinitionEnding, null);
        Put(swarm + StateEnding, null);
    }

    /// <summary>Writes what is pending and ends.</summary>
    public async ValueTask DisposeAsync()
    {
        wake.Writer.TryComplete();
        await writing;
    }

    private SwarmState? StateOf(string swarm) => ReadKept(swarm + StateEnding) is { } bytes
        && ProtocolJson.Read<SwarmState>(new ReadOnlySequence<byte>(bytes), out _) is { } state && state.Swarm == swarm && state.IsSound() ? state : null;

    private ReadOnlyMemory<byte>? ReadKept(string file)
    {
        var name = $"{Folder}/{file}";
        var content = SealedFile.Read(disk, name, ProtocolJson.MaximumMessage);
        if (content is null && disk.Exists(name))
        {
            Log.ArchiveSpoiled(logger, name);
            disk.Delete(name);
        }
        return content;
    }

    private void Put(string file, Func<byte[]>? content)
    {
        lock (gate)
            pending[$"{Folder}/{file}"] = content;
        wake.Writer.TryWrite(true);
    }

    private async Task WriteAsync()
    {
        await foreach (var _ in wake.Reader.EachAsync(CancellationToken.None))
            WritePending();
        WritePending();
    }

    private void WritePending()
    {
        while (TakeOne() is { } next)
        {
            try
            {
                if (next.Value is { } content)
                    SealedFile.Write(disk, next.Key, content(), Flush.First);
                else
                    disk.Delete(next.Key);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                Log.ArchiveFailed(logger, next.Key, e.Message);
            }
        }
    }

    private KeyValuePair<string, Func<byte[]>?>? TakeOne()
    {
        lock (gate)
        {
            foreach (var entry in pending)
            {
                pending.Remove(entry.Key);
                return entry;
            }
            return null;
        }
    }
}

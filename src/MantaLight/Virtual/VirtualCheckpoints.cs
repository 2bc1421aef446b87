using System.Collections.Immutable;
using MantaLight.Checkpoints;
using MantaLight.Protocol;
using MantaLight.Swarms;
using MantaLight.Weights;

namespace MantaLight.Virtual;

/// <summary>The checkpoints of a virtual swarm: the files that a watcher of a real one would write, of the globals as they lie in memory.</summary>
internal sealed class VirtualCheckpoints(CheckpointOptions options, KnownDefinition definition, SharedValues shared, Action<CheckpointNews> tell)
{
    private readonly CheckpointFolder folder = new(options);
    private int last;

    /// <summary>Writes one where the state is worth it; what cannot be written is told and left out.</summary>
    public async Task SeeAsync(SwarmState state, CancellationToken cancellationToken)
    {
        if (CheckpointDue.Round(state, options.Every) is not { } round || round == last)
            return;
        last = round;
        try
        {
            tell(new CheckpointNews(state.Swarm, round, await WriteAsync(state, round, cancellationToken), null));
        }
        catch (MantaLightException e)
        {
            tell(new CheckpointNews(state.Swarm, round, null, e.Message));
        }
    }

    /// <summary>Shares a checkpoint's globals; returns where a definition begins with them.</summary>
    public static StartDefinition Start(Checkpoint from, SharedValues shared) => new()
    {
        Round = from.Info.Round,
        FromAlias = from.Info.FromAlias,
        FromNodes = from.Info.FromNodes,
        FromMaximum = from.Info.FromMaximum,
        Globals = from.Weights.Select(w => KeyValuePair.Create(w.Key, new StartGlobal { Blob = Share(w.Value, shared) }))
            .Concat(from.Info.Values.Select(v => KeyValuePair.Create(v.Key, new StartGlobal { Value = v.Value })))
            .ToImmutableSortedDictionary(StringComparer.Ordinal),
    };

    private static StartBlob Share(NamedArrays weights, SharedValues shared)
    {
        var blob = shared.Share(shared.StageGlobal(weights, WeightsCodec.Encode(weights), ValueFormat.Weights));
        return new StartBlob(blob.Sha256, blob.Size, blob.ChunkSize, blob.ChunkCount, blob.Format);
    }

    private async Task<string> WriteAsync(SwarmState state, int round, CancellationToken cancellationToken)
    {
        var values = state.Globals.Where(g => g.Content.Blob is null).ToImmutableSortedDictionary(g => g.Tag, g => g.Content.Value!.Value, StringComparer.Ordinal);
        var weights = ImmutableSortedDictionary<string, NamedArrays>.Empty.WithComparers(StringComparer.Ordinal);
        try
        {
            foreach (var global in state.Globals.Where(g => g.Content.Blob is not null))
                weights = weights.Add(global.Tag, shared.Read(global.Content.Blob!));
            var path = folder.PathOf(state.Swarm, round);
            // First: whoever finds the checkpoint finds this.
            await VirtualKeptFile.WriteAsync(path, state, shared.Kept.InForce(), cancellationToken);
            await Checkpoint.WriteAsync(path, CheckpointWriter.Info(state, definition, round, values, weights), weights, cancellationToken);
            folder.Prune(state.Swarm, path);
            return path;
        }
        finally
        {
            foreach (var lent in weights.Values)
                lent.Dispose();
        }
    }
}

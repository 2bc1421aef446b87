using System.Buffers;
using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using MantaLight.Blobs;
using MantaLight.Messaging;
using MantaLight.Protocol;
using MantaLight.Storage;
using MantaLight.Swarms;
using MantaLight.Weights;

namespace MantaLight.Checkpoints;

/// <summary>Puts a checkpoint's globals on a broker, for a run to begin with.</summary>
public static class CheckpointStart
{
    /// <summary>Publishes what is large as retained chunks and reads back that the broker kept them.</summary>
    /// <returns>The definition's <c>start</c>.</returns>
    /// <exception cref="BlobUnavailableException">The broker did not keep them.</exception>
    public static async Task<StartDefinition> PublishAsync(
        IBrokerConnection connection, string cluster, string swarm, Checkpoint checkpoint, TimeProvider time, CancellationToken cancellationToken)
    {
        var folder = Directory.CreateTempSubdirectory("mantalight-start-");
        try
        {
            var store = new BlobStore(new FileDisk(folder.FullName));
            var publisher = new BlobPublisher(
                connection, new Topics(cluster), new MessageStamp(connection.ClientId, connection.ClientId, time), store, new BlobTiming());
            var globals = ImmutableSortedDictionary.CreateBuilder<string, StartGlobal>(StringComparer.Ordinal);
            foreach (var (tag, weights) in checkpoint.Weights)
                globals[tag] = new StartGlobal { Blob = await PublishAsync(WeightsCodec.Encode(weights), ValueFormat.Weights) };
            foreach (var (tag, value) in checkpoint.Info.Values)
            {
                var bytes = Encoding.UTF8.GetBytes(value.GetRawText());
                globals[tag] = bytes.Length <= ValueRef.MaximumInline && IsFlat(bytes)
                    ? new StartGlobal { Value = value }
                    : new StartGlobal { Blob = await PublishAsync(new ReadOnlySequence<byte>(bytes), ValueFormat.Json) };
            }
            return new StartDefinition
            {
                Round = checkpoint.Info.Round,
                FromAlias = checkpoint.Info.FromAlias,
                FromNodes = checkpoint.Info.FromNodes,
                FromMaximum = checkpoint.Info.FromMaximum,
                Globals = globals.ToImmutable(),
            };

            async Task<StartBlob> PublishAsync(ReadOnlySequence<byte> content, string format)
            {
                var blob = store.Write(content, connection.Limits.ChunkSize, format);
                await publisher.PublishGlobalAsync(swarm, blob, cancellationToken);
                return new StartBlob(blob.Sha256, blob.Size, blob.ChunkSize, blob.ChunkCount, blob.Format);
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>Whether the value can stand some levels inside a definition.</summary>
    private static bool IsFlat(byte[] utf8)
    {
        var reader = new Utf8JsonReader(utf8);
        while (reader.Read())
        {
            if (reader.CurrentDepth > SwarmJson.MaximumDepth / 2)
                return false;
        }
        return true;
    }

    /// <summary>Removes a start's chunks from a broker.</summary>
    public static async Task ClearAsync(
        IBrokerConnection connection, string cluster, string swarm, StartDefinition start, TimeProvider time, CancellationToken cancellationToken)
    {
        foreach (var blob in start.Globals.Values.Select(g => g.Blob).OfType<StartBlob>())
        {
            var pointer = new BlobRef { Sha256 = blob.Sha256, Size = blob.Size, ChunkSize = blob.ChunkSize, ChunkCount = blob.ChunkCount, Format = blob.Format };
            await BlobPublisher.ClearGlobalAsync(connection, new Topics(cluster), time, swarm, pointer, cancellationToken);
        }
    }
}

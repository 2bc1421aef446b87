using System.Collections.Immutable;
using MantaLight.Weights;

namespace MantaLight.Checkpoints;

/// <summary>
/// The committed globals behind a round, as a safetensors file that other tools read too: the tensors of the global weights
/// under their own names, or behind <c>tag/</c> where several globals are weights, and everything else in its metadata.
/// </summary>
/// <param name="Path">The file.</param>
/// <param name="Info">What it tells beside its weights.</param>
/// <param name="Weights">The weights by tag, each in the order that its hash asks for.</param>
public sealed record Checkpoint(string Path, CheckpointInfo Info, ImmutableSortedDictionary<string, NamedArrays> Weights)
{
    /// <summary>Writes a file, complete and on the disk or not at all.</summary>
    /// <exception cref="CheckpointException">It cannot be written.</exception>
    public static async Task WriteAsync(
        string path, CheckpointInfo info, ImmutableSortedDictionary<string, NamedArrays> weights, CancellationToken cancellationToken)
    {
        try
        {
            IReadOnlyList<NamedArray> arrays = weights.Count == 1
                ? weights.Values.First()
                : [.. weights.SelectMany(w => w.Value.Select(a => new NamedArray($"{w.Key}/{a.Name}", a.Type, a.Shape, a.Data)))];
            await Safetensors.WriteAsync(path, arrays, CheckpointMetadata.Write(info), cancellationToken);
        }
        catch (Exception e) when (e is MalformedDataException or IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException($"The checkpoint {path} cannot be written: {e.Message}", e);
        }
    }

    /// <summary>Reads a file and checks the weights against the hashes that it tells.</summary>
    /// <exception cref="CheckpointException">It is not there, damaged, or no checkpoint; the message names it and says what to do.</exception>
    public static async Task<Checkpoint> ReadAsync(string path, CancellationToken cancellationToken)
    {
        path = System.IO.Path.GetFullPath(path);
        try
        {
            var content = await Safetensors.ReadAsync(path, cancellationToken);
            var info = CheckpointMetadata.Read(content.Metadata);
            var weights = Split(content.Arrays, info);
            foreach (var (tag, expected) in info.Weights)
            {
                if (WeightsHash.Of(weights[tag]) is var found && found != expected)
                    throw new MalformedDataException($"the weights of '{tag}' have the hash {found} where its metadata tell {expected}: they were changed or damaged since it was written");
            }
            return new Checkpoint(path, info, weights);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new CheckpointException($"The checkpoint {path} is not there. Checkpoints are files that `--checkpoints DIR` has written, as DIR/SWARM-round-7{Safetensors.Extension}.", e);
        }
        catch (Exception e) when (e is MalformedDataException or IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException($"No run can go on from {path}: {e.Message}. Take another checkpoint, as `--checkpoints DIR` writes them.", e);
        }
    }

    private static ImmutableSortedDictionary<string, NamedArrays> Split(NamedArrays arrays, CheckpointInfo info)
    {
        if (info.Weights.Count == 1)
            return ImmutableSortedDictionary.Create<string, NamedArrays>(StringComparer.Ordinal).Add(info.Weights.Keys.First(), arrays);
        var parts = info.Weights.Keys.ToDictionary(tag => tag, _ => new List<NamedArray>(), StringComparer.Ordinal);
        foreach (var array in arrays)
        {
            if (array.Name.Split('/', 2) is not [var tag, { Length: > 0 } name] || !parts.TryGetValue(tag, out var part))
                throw new MalformedDataException($"array '{array.Name}' belongs to none of its globals ({string.Join(", ", info.Weights.Keys)})");
            part.Add(new NamedArray(name, array.Type, array.Shape, array.Data));
        }
        return parts.ToImmutableSortedDictionary(p => p.Key, p => new NamedArrays(p.Value), StringComparer.Ordinal);
    }
}

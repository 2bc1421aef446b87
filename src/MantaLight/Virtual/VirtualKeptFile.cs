using System.Collections.Immutable;
using System.Globalization;
using MantaLight.Checkpoints;
using MantaLight.Protocol;
using MantaLight.Weights;

namespace MantaLight.Virtual;

/// <summary>
/// What virtual nodes keep for themselves, in a file beside a checkpoint, so that a simulation that goes on from it comes to the same bits. Real nodes write none: what they keep does not leave them.
/// </summary>
internal static class VirtualKeptFile
{
    private const string Of = "of", Kept = "kept";

    /// <summary>Writes it; none where nothing is kept.</summary>
    /// <exception cref="CheckpointException">It cannot be written.</exception>
    public static async Task WriteAsync(string checkpoint, SwarmState state, IReadOnlyList<KeptValue> values, CancellationToken cancellationToken)
    {
        var path = CheckpointFolder.OfNodes(checkpoint);
        try
        {
            if (values.Count == 0)
            {
                File.Delete(path);
                return;
            }
            // Names are long, and an array's name is bounded: a number stands for them.
            var arrays = values.SelectMany((value, number) => value.Value.Select(a => new NamedArray(string.Create(CultureInfo.InvariantCulture, $"{number}/{a.Name}"), a.Type, a.Shape, a.Data)));
            var texts = ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal)
                .Add(Of, Identity(state.Run, state.History[^1].Round))
                .Add(Kept, string.Join('\n', values.Select(v => string.Create(CultureInfo.InvariantCulture, $"{v.Node} {v.Name} {v.Alias} {v.Round}"))));
            await Safetensors.WriteAsync(path, [.. arrays], texts, cancellationToken);
        }
        catch (Exception e) when (e is MalformedDataException or IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException($"What the nodes keep cannot be written to {path}: {e.Message}", e);
        }
    }

    /// <summary>Reads it; nothing where there is none.</summary>
    /// <exception cref="CheckpointException">It is damaged, or of another checkpoint.</exception>
    public static async Task<IReadOnlyList<KeptValue>> ReadAsync(Checkpoint checkpoint, CancellationToken cancellationToken)
    {
        var path = CheckpointFolder.OfNodes(checkpoint.Path);
        if (!File.Exists(path))
            return [];
        try
        {
            var content = await Safetensors.ReadAsync(path, cancellationToken);
            if (content.Metadata.GetValueOrDefault(Of) != Identity(checkpoint.Info.Run, checkpoint.Info.Round) || !content.Metadata.TryGetValue(Kept, out var kept))
                throw new MalformedDataException("it is of another checkpoint");
            var parts = content.Arrays.ToLookup(a => a.Name.Split('/', 2)[0], StringComparer.Ordinal);
            return [.. kept.Split('\n').Select((line, number) => Read(line.Split(' '), parts[number.ToString(CultureInfo.InvariantCulture)]))];
        }
        catch (Exception e) when (e is MalformedDataException or IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException($"What the nodes have kept cannot be read from {path}: {e.Message}. Without that file they begin with nothing.", e);
        }
    }

    private static KeptValue Read(string[] words, IEnumerable<NamedArray> arrays) =>
        words is [var node, var name, var alias, var round] && int.TryParse(round, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? new KeptValue(node, name, alias, number, new NamedArrays(arrays.Select(a => new NamedArray(a.Name.Split('/', 2)[^1], a.Type, a.Shape, a.Data))))
            : throw new MalformedDataException("its list of names is none");

    private static string Identity(string run, int round) => string.Create(CultureInfo.InvariantCulture, $"{run} {round}");
}

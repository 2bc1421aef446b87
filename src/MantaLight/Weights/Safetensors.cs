using System.Collections.Immutable;

namespace MantaLight.Weights;

/// <summary>What a safetensors file holds; dispose it when done.</summary>
/// <param name="Arrays">The arrays in the order of the file's header.</param>
/// <param name="Metadata">The texts under <c>__metadata__</c>.</param>
public sealed record SafetensorsContent(NamedArrays Arrays, ImmutableSortedDictionary<string, string> Metadata) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose() => Arrays.Dispose();
}

/// <summary>
/// Files of arrays as the safetensors library has them: eight bytes with the length of a JSON header, the header (name,
/// dtype, shape and place of each array, and texts about the whole), and the data. Nothing in them is ever run.
/// </summary>
public static class Safetensors
{
    /// <summary>How the files' names end.</summary>
    public const string Extension = ".safetensors";

    /// <summary>The longest header, in bytes; the same as in the format's own library.</summary>
    public const int MaximumHeader = 100_000_000;

    /// <summary>
    /// Writes a file. It appears complete, and on the disk, or not at all; its folder is made where missing, and the same
    /// arrays and metadata always give the same bytes.
    /// </summary>
    /// <param name="path">Where; a file that is there is replaced.</param>
    /// <param name="arrays">What; the header keeps their order. Their data are laid out by element size, so that all are aligned.</param>
    /// <param name="metadata">Texts about the whole.</param>
    /// <param name="cancellationToken">Stops the writing and removes what was written.</param>
    /// <exception cref="MalformedDataException">More or larger names, arrays or texts than such a file may have.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static Task WriteAsync(
        string path, IReadOnlyList<NamedArray> arrays, IReadOnlyDictionary<string, string> metadata, CancellationToken cancellationToken) =>
        SafetensorsWriter.WriteAsync(path, arrays, metadata, cancellationToken);

    /// <summary>Reads a file from an untrusted source; never allocates more than a few times the file's own size.</summary>
    /// <exception cref="MalformedDataException">Not exactly such a file; the message says what is wrong, but not which file.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static Task<SafetensorsContent> ReadAsync(string path, CancellationToken cancellationToken) =>
        SafetensorsReader.ReadAsync(path, cancellationToken);
}

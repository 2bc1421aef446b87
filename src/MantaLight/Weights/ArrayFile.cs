using System.Collections.Immutable;

namespace MantaLight.Weights;

/// <summary>NumPy's array files: .npy (one array) and .npz (a ZIP of them).</summary>
public static class ArrayFile
{
    /// <summary>Whether the name ends like an array file's.</summary>
    public static bool IsArrayFile(string path) =>
        Path.GetExtension(path) is ".npz" or ".npy";

    /// <summary>Reads all arrays of a file; dispose the result when done.</summary>
    /// <exception cref="DatasetException">The file is not one, or holds what cannot be read safely (pickled objects, foreign types).</exception>
    public static Task<NamedArrays> ReadAsync(string path, CancellationToken cancellationToken) => ReadAsync(path, isWanted: null, cancellationToken);

    /// <summary>Reads those arrays of an .npz file that are wanted by name, or the one of an .npy file; dispose the result when done.</summary>
    /// <exception cref="DatasetException">As in <see cref="ReadAsync(string, CancellationToken)"/>, but for what the others hold.</exception>
    public static Task<NamedArrays> ReadAsync(string path, Predicate<string>? isWanted, CancellationToken cancellationToken) =>
        OpenAsync(
            path,
            async (file, token) => IsNpz(path)
                ? await NpzReader.ReadAsync(file, isWanted, token)
                : new NamedArrays([await NpyReader.ReadAsync(file, NameOf(path), file.Length, token)]),
            cancellationToken);

    /// <summary>Reads names, types and shapes, in the file's order, but no elements.</summary>
    /// <exception cref="DatasetException">As in <see cref="ReadAsync(string, CancellationToken)"/>.</exception>
    public static Task<ImmutableArray<ArrayHeader>> ReadHeadersAsync(string path, CancellationToken cancellationToken) =>
        OpenAsync(
            path,
            async (file, token) => IsNpz(path)
                ? await NpzReader.ReadHeadersAsync(file, token)
                : [(await NpyReader.ReadHeaderAsync(file, NameOf(path), file.Length, token)).Named(NameOf(path))],
            cancellationToken);

    /// <summary>
    /// Writes an .npz file as NumPy reads it. The file appears complete or not at all, its folder is made where missing,
    /// and the same arrays always give the same bytes.
    /// </summary>
    /// <param name="path">Where; a file that is there is replaced.</param>
    /// <param name="arrays">What, in this order; bfloat16 has no NumPy type and is refused.</param>
    /// <param name="compress">Whether members are deflated: smaller, and many times slower to write.</param>
    /// <param name="cancellationToken">Stops the writing and removes what was written.</param>
    /// <exception cref="DatasetException">The file cannot be written, or an array has no NumPy form.</exception>
    public static async Task WriteNpzAsync(
        string path, IReadOnlyList<NamedArray> arrays, bool compress, CancellationToken cancellationToken)
    {
        path = Path.GetFullPath(path);
        var unfinished = $"{path}.{Path.GetRandomFileName()}.tmp";
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            await NpzWriter.WriteAsync(unfinished, arrays, compress, cancellationToken);
            File.Move(unfinished, path, overwrite: true);
        }
        catch (Exception e) when (e is MalformedDataException or IOException or UnauthorizedAccessException)
        {
            throw new DatasetException($"{path} cannot be written: {e.Message}", e);
        }
        finally
        {
            File.Delete(unfinished);
        }
    }

    private static bool IsNpz(string path) => Path.GetExtension(path) != ".npy";

    private static string NameOf(string path) => Path.GetFileNameWithoutExtension(path);

    private static async Task<T> OpenAsync<T>(
        string path, Func<FileStream, CancellationToken, Task<T>> read, CancellationToken cancellationToken)
    {
        try
        {
            await using var file = new FileStream(path, new FileStreamOptions
            {
                Mode = FileMode.Open,
                Access = FileAccess.Read,
                Share = FileShare.Read | FileShare.Delete,
                Options = FileOptions.Asynchronous | FileOptions.SequentialScan,
                BufferSize = 64 * 1024,
            });
            return await read(file, cancellationToken);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new DatasetException($"{path} is not there.", e);
        }
        catch (Exception e) when (e is MalformedDataException or IOException or InvalidDataException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new DatasetException($"{path} cannot be read as {(IsNpz(path) ? "an .npz" : "an .npy")} file: {e.Message}", e);
        }
    }
}

using MantaLight.Weights;

namespace MantaLight.Cli.Models;

/// <summary>Weights in files of several formats, told by how their names end.</summary>
internal static class ModelFiles
{
    private const string Packed = ".msgpack";

    /// <summary>The endings, for people.</summary>
    public const string Allowed = ".npz, .safetensors or .msgpack";

    /// <summary>Reads a file; dispose the result when done.</summary>
    /// <exception cref="DatasetException">It is not there, or not such a file.</exception>
    public static async Task<NamedArrays> ReadAsync(string path, CancellationToken cancellationToken)
    {
        try
        {
            return Path.GetExtension(path) switch
            {
                ".npz" => await ArrayFile.ReadAsync(path, cancellationToken),
                Safetensors.Extension => (await Safetensors.ReadAsync(path, cancellationToken)).Arrays,
                Packed => WeightsCodec.Decode(await File.ReadAllBytesAsync(path, cancellationToken)),
                _ => throw Unknown(path),
            };
        }
        catch (Exception e) when (e is MalformedDataException or IOException or UnauthorizedAccessException)
        {
            throw new DatasetException($"{path} cannot be read as weights: {e.Message}", e);
        }
    }

    /// <summary>Writes a file; it appears complete or not at all.</summary>
    /// <exception cref="DatasetException">It cannot be written, or an array has no such form.</exception>
    public static async Task WriteAsync(string path, NamedArrays weights, CancellationToken cancellationToken)
    {
        try
        {
            switch (Path.GetExtension(path))
            {
                case ".npz":
                    await ArrayFile.WriteNpzAsync(path, weights, compress: false, cancellationToken);
                    break;
                case Safetensors.Extension:
                    await Safetensors.WriteAsync(path, weights, new Dictionary<string, string>(), cancellationToken);
                    break;
                default:
                    await WritePackedAsync(Path.GetFullPath(path), weights, cancellationToken);
                    break;
            }
        }
        catch (Exception e) when (e is MalformedDataException or IOException or UnauthorizedAccessException)
        {
            throw new DatasetException($"{path} cannot be written: {e.Message}", e);
        }
    }

    /// <summary>Says that a file's name tells no format.</summary>
    /// <exception cref="InvalidSettingException">It tells none.</exception>
    public static void Check(string path)
    {
        if (Path.GetExtension(path) is not (".npz" or Safetensors.Extension or Packed))
            throw Unknown(path);
    }

    private static InvalidSettingException Unknown(string path) => new($"{path} is no file of weights by its name; expected {Allowed}.");

    private static async Task WritePackedAsync(string path, NamedArrays weights, CancellationToken cancellationToken)
    {
        var unfinished = $"{path}.{Path.GetRandomFileName()}.tmp";
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            await using (var file = File.Create(unfinished))
            {
                foreach (var segment in WeightsCodec.Encode(weights))
                    await file.WriteAsync(segment, cancellationToken);
            }
            File.Move(unfinished, path, overwrite: true);
        }
        finally
        {
            File.Delete(unfinished);
        }
    }
}

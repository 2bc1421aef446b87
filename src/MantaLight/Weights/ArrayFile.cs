namespace MantaLight.Weights;

/// <summary>NumPy's array files: .npy (one array) and .npz (a ZIP of them).</summary>
public static class ArrayFile
{
    /// <summary>Whether the name ends like an array file's.</summary>
    public static bool IsArrayFile(string path) =>
        Path.GetExtension(path) is ".npz" or ".npy";

    /// <summary>Reads all arrays of a file; dispose the result when done.</summary>
    /// <exception cref="DatasetException">The file is not one, or holds what cannot be read safely (pickled objects, foreign types).</exception>
    public static Task<NamedArrays> ReadAsync(string path, CancellationToken cancellationToken) =>
        throw new NotImplementedException();
}

namespace MantaLight.Storage;

/// <summary>
/// Large files that were deleted, to be written over: the pages and blocks that a file system gives each new one cost more
/// than what is written into them, and flushing what is there already costs less. For one caller at a time.
/// </summary>
/// <param name="folder">Where they are, under names of drafts: what a crash leaves of them is removed as those are.</param>
internal sealed class SpareFiles(string folder)
{
    private const int Smallest = 256 << 10;
    private const int Most = 4;
    private const long MostBytes = 256L << 20;

    private readonly List<(string Path, long Length)> spares = [];
    private long number;

    /// <summary>Takes a file that is not needed any more; false where it is not worth it, and is to be deleted.</summary>
    /// <exception cref="IOException">It cannot be moved.</exception>
    public bool TryKeep(string path, string extension)
    {
        var length = new FileInfo(path) is { Exists: true } file ? file.Length : 0;
        if (length < Smallest || spares.Count == Most || spares.Sum(s => s.Length) + length > MostBytes)
            return false;
        Directory.CreateDirectory(folder);
        var spare = Path.Combine(folder, $"{Environment.ProcessId}-{++number}{extension}");
        File.Move(path, spare);
        spares.Add((spare, length));
        return true;
    }

    /// <summary>One to be written over by so many bytes; null where there is none of about that size.</summary>
    public string? TryTake(long size)
    {
        // Another process that takes the folder removes what it finds there.
        spares.RemoveAll(s => !File.Exists(s.Path));
        var found = spares.FindIndex(s => s.Length >= size && s.Length / 2 <= size);
        if (found < 0)
            return null;
        var (path, _) = spares[found];
        spares.RemoveAt(found);
        return path;
    }

    /// <summary>Deletes them.</summary>
    public void Clear()
    {
        foreach (var (path, _) in spares)
            File.Delete(path);
        spares.Clear();
    }
}

namespace MantaLight.Torch.Native;

/// <summary>Puts the edited copy where it finds libtorch beside it.</summary>
internal static class ReboundFile
{
    /// <summary>The name of the edited copy; its own, so that no build and no package ever writes it.</summary>
    public const string Name = "libLibTorchSharp.glibcxx-3.4.30.so";

    /// <summary>Writes the copy, unless it is there already, and tells where.</summary>
    /// <param name="content">The edited library.</param>
    /// <param name="torchSharpFolder">Where the original is.</param>
    /// <param name="torchFolder">Where libtorch is.</param>
    /// <param name="cacheRoot">Where to make a folder with links to libtorch when the first ones are apart or read-only.</param>
    public static string Place(byte[] content, string torchSharpFolder, string torchFolder, string cacheRoot)
    {
        // Packages keep the two apart: such a folder is a package cache, which is not ours to write to.
        if (torchSharpFolder == torchFolder && TryWrite(Path.Combine(torchFolder, Name), content) is { } beside)
            return beside;

        var folder = Path.Combine(cacheRoot, "torch-" + ReboundLibrary.Sha256(System.Text.Encoding.UTF8.GetBytes(torchFolder))[..16]);
        Directory.CreateDirectory(folder);
        foreach (var library in Directory.EnumerateFiles(torchFolder, "*.so*"))
            Link(Path.Combine(folder, Path.GetFileName(library)), library);
        return TryWrite(Path.Combine(folder, Name), content)
            ?? throw new IOException($"Neither {torchFolder} nor {folder} can be written to.");
    }

    /// <summary>The user's cache folder.</summary>
    public static string DefaultCacheRoot()
    {
        var cache = Environment.GetEnvironmentVariable("XDG_CACHE_HOME");
        if (string.IsNullOrEmpty(cache) || !Path.IsPathRooted(cache))
            cache = Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache");
        return Path.Combine(cache, "mantalight");
    }

    private static string? TryWrite(string path, byte[] content)
    {
        try
        {
            if (Holds(path, content))
                return path;
            // A file of its own and a rename: processes may race, and a name that is there may be a link to a package's file.
            var temporary = $"{path}.{Environment.ProcessId}.{Path.GetRandomFileName()}";
            try
            {
                using (var stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None))
                {
                    stream.Write(content);
                    stream.Flush(flushToDisk: true);
                }
                File.Move(temporary, path, overwrite: true);
            }
            catch
            {
                File.Delete(temporary);
                throw;
            }
            return path;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static bool Holds(string path, byte[] content)
    {
        var file = new FileInfo(path);
        return file.Exists && file.LinkTarget is null && file.Length == content.Length && File.ReadAllBytes(path).AsSpan().SequenceEqual(content);
    }

    private static void Link(string link, string target)
    {
        if (new FileInfo(link).LinkTarget == target)
            return;
        var temporary = $"{link}.{Environment.ProcessId}.{Path.GetRandomFileName()}";
        File.CreateSymbolicLink(temporary, target);
        File.Move(temporary, link, overwrite: true);
    }
}

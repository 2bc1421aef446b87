using Microsoft.Win32.SafeHandles;

namespace MantaLight.Storage;

/// <summary>A folder of the machine's file system.</summary>
internal sealed class FileDisk : IDisk
{
    private const string Partial = ".part";
    private const int SmallFile = 64 * 1024;

    // Of the process, not of the disk: another one on the same folder may still have something to delete.
    private static long partials;

    private readonly string root;
    private readonly BehindQueue<SafeFileHandle> flushes = new(64, FlushAndClose);
    private readonly BehindQueue<string> deletions = new(256, DeleteFile);

    /// <summary>Takes the folder; what a crash left unfinished in it is removed.</summary>
    public FileDisk(string folder)
    {
        root = Directory.CreateDirectory(folder).FullName;
        // Only in its own folders: the folder may be one that its owner uses for other things as well.
        foreach (var left in Directory.EnumerateDirectories(root).SelectMany(own => Directory.EnumerateFiles(own, $"*{Partial}")).Where(IsDraft))
            File.Delete(left);
    }

    public bool Exists(string name) => File.Exists(PathOf(name));

    public IReadOnlyList<DiskEntry> List(string folder)
    {
        var place = new DirectoryInfo(PathOf(folder));
        if (!place.Exists)
            return [];
        return [.. place.EnumerateFiles()
            .Where(file => file.Extension != Partial)
            .Select(file => new DiskEntry($"{folder}/{file.Name}", file.LastWriteTimeUtc))
            .OrderBy(file => file.Name, StringComparer.Ordinal)];
    }

    public byte[]? Read(string name, int maximum)
    {
        try
        {
            var file = new FileInfo(PathOf(name));
            return file.Exists && file.Length <= maximum ? File.ReadAllBytes(file.FullName) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // One that cannot be read is of as little use as none.
            return null;
        }
    }

    public void Write(string name, ReadOnlySpan<byte> content, Flush flush)
    {
        using var draft = Create(Folder(name), content.Length);
        draft.Write(0, content);
        draft.Keep(name, flush);
    }

    /// <summary>Takes the name away; the bytes of a large file go later, since the system takes its time for them.</summary>
    public void Delete(string name)
    {
        var path = PathOf(name);
        try
        {
            // Windows moves no file that is open.
            if (new FileInfo(path) is not { Exists: true, Length: > SmallFile } || OperatingSystem.IsWindows())
            {
                File.Delete(path);
                return;
            }
            var gone = PartialPath(Folder(name));
            File.Move(path, gone);
            if (!deletions.TryAdd(gone))
                DeleteFile(gone);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Mapped by a reader, where the operating system minds: the next sweep takes it.
        }
    }

    public bool TryRename(string name, string to)
    {
        try
        {
            File.Move(PathOf(name), PathOf(to), overwrite: true);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    public void Seclude(string folder)
    {
        if (OperatingSystem.IsWindows())
            Directory.CreateDirectory(PathOf(folder));
        else
            Directory.CreateDirectory(PathOf(folder), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    public DiskDraft Create(string folder, long size)
    {
        Directory.CreateDirectory(PathOf(folder));
        return new Draft(this, PartialPath(folder), size);
    }

    public DiskFile? Open(string name)
    {
        try
        {
            return new Reader(File.OpenHandle(PathOf(name)));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    public DiskMemory? Map(string name, long size)
    {
        try
        {
            return new MappedFile(PathOf(name), size);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    // What has such a name when its process ends is removed by the next one.
    private string PartialPath(string folder) => PathOf($"{folder}/{Environment.ProcessId}-{Interlocked.Increment(ref partials)}{Partial}");

    private static void FlushAndClose(SafeFileHandle file)
    {
        using (file)
        {
            try
            {
                RandomAccess.FlushToDisk(file);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // What did not come to the disk is found by its hash at the next start.
            }
        }
    }

    private static void DeleteFile(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The next process removes it.
        }
    }

    private string PathOf(string name) => Path.Combine(root, name);

    private static bool IsDraft(string path) => Path.GetFileNameWithoutExtension(path).Split('-') is [var process, var number]
        && int.TryParse(process, out _) && long.TryParse(number, out _);

    private static string Folder(string name) => Path.GetDirectoryName(name) ?? "";

    private sealed class Draft : DiskDraft
    {
        private readonly FileDisk disk;
        private readonly string partial;
        private readonly SafeFileHandle file;
        private bool isHandedOver;

        public Draft(FileDisk disk, string partial, long size)
        {
            this.disk = disk;
            this.partial = partial;
            file = File.OpenHandle(partial, FileMode.CreateNew, FileAccess.ReadWrite, preallocationSize: size);
        }

        public override long Length => RandomAccess.GetLength(file);

        public override void Write(long offset, ReadOnlySpan<byte> bytes) => RandomAccess.Write(file, bytes, offset);

        public override int Read(long offset, Span<byte> bytes) => RandomAccess.Read(file, bytes, offset);

        public override void Keep(string name, Flush flush)
        {
            // Windows moves no file that is open.
            var isBehind = flush == Flush.Behind && !OperatingSystem.IsWindows();
            if (flush != Flush.Sometime && !isBehind)
                RandomAccess.FlushToDisk(file);
            if (!isBehind)
                file.Dispose();
            File.Move(partial, disk.PathOf(name), overwrite: true);
            isHandedOver = isBehind && disk.flushes.TryAdd(file);
            if (isBehind && !isHandedOver)
                FlushAndClose(file);
        }

        public override void Dispose()
        {
            if (isHandedOver)
                return;
            var isLarge = !file.IsClosed && RandomAccess.GetLength(file) > SmallFile;
            file.Dispose();
            if (!isLarge || !disk.deletions.TryAdd(partial))
                DeleteFile(partial);
        }
    }

    private sealed class Reader(SafeFileHandle file) : DiskFile
    {
        public override long Length => RandomAccess.GetLength(file);

        public override int Read(long offset, Span<byte> bytes) => RandomAccess.Read(file, bytes, offset);

        public override void Dispose() => file.Dispose();
    }
}

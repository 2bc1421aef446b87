using Microsoft.Win32.SafeHandles;

namespace MantaLight.Storage;

/// <summary>A folder of the machine's file system.</summary>
internal sealed class FileDisk : IDisk
{
    private const string Partial = ".part";

    private readonly string root;
    private readonly FlushQueue flushes = new();
    private long partials;

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

    public void Delete(string name)
    {
        try
        {
            File.Delete(PathOf(name));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Mapped by a reader, where the operating system minds: the next sweep takes it.
        }
    }

    public DiskDraft Create(string folder, long size)
    {
        Directory.CreateDirectory(PathOf(folder));
        var partial = PathOf($"{folder}/{Environment.ProcessId}-{Interlocked.Increment(ref partials)}{Partial}");
        return new Draft(this, partial, size);
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
            isHandedOver = isBehind && disk.flushes.TryTake(file);
            if (!isHandedOver)
                file.Dispose();
        }

        public override void Dispose()
        {
            if (isHandedOver)
                return;
            file.Dispose();
            File.Delete(partial);
        }
    }

    private sealed class Reader(SafeFileHandle file) : DiskFile
    {
        public override long Length => RandomAccess.GetLength(file);

        public override int Read(long offset, Span<byte> bytes) => RandomAccess.Read(file, bytes, offset);

        public override void Dispose() => file.Dispose();
    }
}

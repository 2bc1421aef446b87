using Microsoft.Win32.SafeHandles;

namespace MantaLight.Storage;

/// <summary>A folder of the machine's file system.</summary>
internal sealed class FileDisk : IDisk
{
    private const string Partial = ".part";

    private readonly string root;
    private readonly SpareFiles spares;
    private readonly Lock gate = new();
    // How many readers each file has: what somebody reads is not written over.
    private readonly Dictionary<string, int> readers = new(StringComparer.Ordinal);
    private long partials;

    /// <summary>Takes the folder; what a crash left unfinished in it is removed.</summary>
    public FileDisk(string folder)
    {
        root = Directory.CreateDirectory(folder).FullName;
        spares = new SpareFiles(Path.Combine(root, "spare"));
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

    public void Write(string name, ReadOnlySpan<byte> content)
    {
        using var draft = Create(Folder(name), content.Length);
        draft.Write(0, content);
        draft.Keep(name, durable: true);
    }

    public void Delete(string name)
    {
        var path = PathOf(name);
        lock (gate)
        {
            try
            {
                if (readers.ContainsKey(path) || !spares.TryKeep(path, Partial))
                    File.Delete(path);
                // The last one of its folder: what would it be kept for?
                if (Directory.Exists(Folder(path)) && !Directory.EnumerateFiles(Folder(path)).Any())
                    spares.Clear();
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Mapped by a reader, where the operating system minds: the next sweep takes it.
            }
        }
    }

    public DiskDraft Create(string folder, long size)
    {
        Directory.CreateDirectory(PathOf(folder));
        lock (gate)
        {
            if (spares.TryTake(size) is { } spare)
                return new Draft(this, spare, size, isSpare: true);
        }
        var partial = PathOf($"{folder}/{Environment.ProcessId}-{Interlocked.Increment(ref partials)}{Partial}");
        return new Draft(this, partial, size, isSpare: false);
    }

    public DiskFile? Open(string name)
    {
        var path = PathOf(name);
        lock (gate)
        {
            try
            {
                var file = File.OpenHandle(path);
                Enter(path);
                return new Reader(file, () => Leave(path));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return null;
            }
        }
    }

    public DiskMemory? Map(string name, long size)
    {
        var path = PathOf(name);
        lock (gate)
        {
            try
            {
                var file = new MappedFile(path, size, () => Leave(path));
                Enter(path);
                return file;
            }
            catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
            {
                return null;
            }
        }
    }

    private void Enter(string path) => readers[path] = readers.GetValueOrDefault(path) + 1;

    private void Leave(string path)
    {
        lock (gate)
        {
            if (--readers[path] == 0)
                readers.Remove(path);
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

        public Draft(FileDisk disk, string partial, long size, bool isSpare)
        {
            this.disk = disk;
            this.partial = partial;
            if (!isSpare)
            {
                file = File.OpenHandle(partial, FileMode.CreateNew, FileAccess.ReadWrite, preallocationSize: size);
                return;
            }
            file = File.OpenHandle(partial, FileMode.Open, FileAccess.ReadWrite);
            if (RandomAccess.GetLength(file) != size)
                RandomAccess.SetLength(file, size);
        }

        public override void Write(long offset, ReadOnlySpan<byte> bytes) => RandomAccess.Write(file, bytes, offset);

        public override int Read(long offset, Span<byte> bytes) => RandomAccess.Read(file, bytes, offset);

        public override void Keep(string name, bool durable)
        {
            if (durable)
                RandomAccess.FlushToDisk(file);
            file.Dispose();
            File.Move(partial, disk.PathOf(name), overwrite: true);
        }

        public override void Dispose()
        {
            file.Dispose();
            File.Delete(partial);
        }
    }

    private sealed class Reader(SafeFileHandle file, Action left) : DiskFile
    {
        public override long Length => RandomAccess.GetLength(file);

        public override int Read(long offset, Span<byte> bytes) => RandomAccess.Read(file, bytes, offset);

        public override void Dispose()
        {
            if (file.IsClosed)
                return;
            file.Dispose();
            left();
        }
    }
}

using System.Threading.Channels;
using MantaLight.Concurrency;
using Microsoft.Win32.SafeHandles;

namespace MantaLight.Storage;

/// <summary>A folder of the machine's file system.</summary>
internal sealed class FileDisk : IDisk
{
    private const string Partial = ".part";

    // More than this many wait for the disk: then whoever writes waits as well.
    private const int MaximumUnflushed = 1024;

    private readonly string root;
    private readonly Channel<string> unflushed = Channel.CreateBounded<string>(new BoundedChannelOptions(MaximumUnflushed) { SingleReader = true });
    private long partials;

    /// <summary>Takes the folder; what a crash left unfinished in it is removed.</summary>
    public FileDisk(string folder)
    {
        root = Directory.CreateDirectory(folder).FullName;
        // Only in its own folders: the folder may be one that its owner uses for other things as well.
        foreach (var left in Directory.EnumerateDirectories(root).SelectMany(own => Directory.EnumerateFiles(own, $"*{Partial}")).Where(IsDraft))
            File.Delete(left);
        _ = Background.Run(FlushAsync);
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

    public void Write(string name, ReadOnlySpan<byte> content, Durability durability)
    {
        using var draft = Create(Folder(name), content.Length);
        draft.Write(0, content);
        draft.Keep(name, durability);
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

    /// <summary>Flushes what was kept, beside those who keep it. It ends with the process; what it has not come to then, the system does.</summary>
    private async Task FlushAsync()
    {
        await foreach (var path in unflushed.Reader.EachAsync(CancellationToken.None))
            Flush(path);
    }

    private static void Flush(string path)
    {
        try
        {
            using var file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
            RandomAccess.FlushToDisk(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Gone already, or the disk does not take it: what is torn then is found by its hash at the next start.
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

        public Draft(FileDisk disk, string partial, long size)
        {
            this.disk = disk;
            this.partial = partial;
            file = File.OpenHandle(partial, FileMode.CreateNew, FileAccess.ReadWrite, preallocationSize: size);
        }

        public override void Write(long offset, ReadOnlySpan<byte> bytes) => RandomAccess.Write(file, bytes, offset);

        public override int Read(long offset, Span<byte> bytes) => RandomAccess.Read(file, bytes, offset);

        public override void Keep(string name, Durability durability)
        {
            if (durability == Durability.First)
                RandomAccess.FlushToDisk(file);
            file.Dispose();
            File.Move(partial, disk.PathOf(name), overwrite: true);
            if (durability == Durability.Soon && !disk.unflushed.Writer.TryWrite(disk.PathOf(name)))
                Flush(disk.PathOf(name));
        }

        public override void Dispose()
        {
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

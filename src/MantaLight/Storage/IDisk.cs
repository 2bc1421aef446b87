using System.Buffers;

namespace MantaLight.Storage;

/// <summary>
/// A node's folder. Names are relative and have at most one folder (<c>blobs/…</c>). What has been written under its name is
/// there whole after the death of the process at any moment, or not at all; after a loss of power see <see cref="Flush"/>.
/// </summary>
internal interface IDisk
{
    bool Exists(string name);

    /// <summary>The files of a folder, in ordinal order; none where there is no such folder.</summary>
    IReadOnlyList<DiskEntry> List(string folder);

    /// <summary>A small file; null where it is not there, or is longer than <paramref name="maximum"/>.</summary>
    byte[]? Read(string name, int maximum);

    /// <summary>Writes a small file under its name: written aside, renamed.</summary>
    /// <param name="name">The name.</param>
    /// <param name="content">The content.</param>
    /// <param name="flush">When it is flushed to the disk.</param>
    /// <exception cref="IOException">The disk is full, or does not answer.</exception>
    void Write(string name, ReadOnlySpan<byte> content, Flush flush);

    void Delete(string name);

    /// <summary>Gives a file another name of the same folder, in place of what had it; nothing where it is not there, or somebody reads it and the system minds.</summary>
    /// <returns>Whether it has the name.</returns>
    bool TryRename(string name, string to);

    /// <summary>Makes a folder, where there is none, that nobody but the owner can look into; as far as the disk knows owners.</summary>
    void Seclude(string folder)
    {
    }

    /// <summary>Begins a file that has no name yet; it is gone unless it is kept.</summary>
    /// <exception cref="IOException">The disk is full, or does not answer.</exception>
    DiskDraft Create(string folder, long size);

    /// <summary>Opens a file for reading; null where it is not there.</summary>
    DiskFile? Open(string name);

    /// <summary>A file as memory; null where it is not there.</summary>
    /// <exception cref="MalformedDataException">It has another size.</exception>
    DiskMemory? Map(string name, long size);
}

/// <summary>When a file is flushed to the disk, so that it survives the loss of power as well as the death of its process.</summary>
internal enum Flush
{
    /// <summary>When the operating system pleases: it can be had again.</summary>
    Sometime,

    /// <summary>
    /// At once, but nobody waits for it. A loss of power in these milliseconds can lose it or leave it torn under its name: for what replaces nothing, is
    /// known by its hash, and can be made again.
    /// </summary>
    Behind,

    /// <summary>Before it gets its name: what it replaces is there until then.</summary>
    First,
}

/// <summary>A file that is there.</summary>
/// <param name="Name">With its folder.</param>
/// <param name="Modified">When it was last written.</param>
internal readonly record struct DiskEntry(string Name, DateTimeOffset Modified);

/// <summary>A file under way. Disposing it without keeping it removes it.</summary>
internal abstract class DiskDraft : DiskFile
{
    public abstract void Write(long offset, ReadOnlySpan<byte> bytes);

    /// <summary>Gives it its name, in place of what had it.</summary>
    /// <param name="name">The name.</param>
    /// <param name="flush">When it is flushed to the disk.</param>
    public abstract void Keep(string name, Flush flush);
}

/// <summary>A file that can be read.</summary>
internal abstract class DiskFile : IDisposable
{
    public abstract long Length { get; }

    /// <summary>Reads; returns how many bytes.</summary>
    public abstract int Read(long offset, Span<byte> bytes);

    public abstract void Dispose();
}

/// <summary>A file as memory, for as long as it is not disposed.</summary>
internal abstract class DiskMemory : IDisposable
{
    public abstract ReadOnlySequence<byte> Content { get; }

    public abstract void Dispose();
}

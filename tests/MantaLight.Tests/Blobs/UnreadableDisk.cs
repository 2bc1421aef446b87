using MantaLight.Storage;

namespace MantaLight.Tests.Blobs;

/// <summary>A disk with one file that is there and cannot be read.</summary>
internal sealed class UnreadableDisk(IDisk disk, string unreadable) : IDisk
{
    public bool Exists(string name) => disk.Exists(name);

    public IReadOnlyList<DiskEntry> List(string folder) => disk.List(folder);

    public byte[]? Read(string name, int maximum) => disk.Read(name, maximum);

    public void Write(string name, ReadOnlySpan<byte> content, Flush flush) => disk.Write(name, content, flush);

    public void Delete(string name) => disk.Delete(name);

    public bool TryRename(string name, string to) => disk.TryRename(name, to);

    public DiskDraft Create(string folder, long size) => disk.Create(folder, size);

    public DiskFile? Open(string name) => disk.Open(name) is { } file ? name.EndsWith(unreadable, StringComparison.Ordinal) ? new Unreadable(file) : file : null;

    public DiskMemory? Map(string name, long size) => disk.Map(name, size);

    private sealed class Unreadable(DiskFile file) : DiskFile
    {
        public override long Length => file.Length;

        public override int Read(long offset, Span<byte> bytes) => throw new IOException("Input/output error");

        public override void Dispose() => file.Dispose();
    }
}

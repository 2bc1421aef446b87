using MantaLight.Storage;

namespace MantaLight.Tests.Blobs;

/// <summary>A disk on which a long file is begun only when the test lets it.</summary>
internal sealed class HeldDisk(IDisk disk, long held) : IDisk, IDisposable
{
    public ManualResetEventSlim Released { get; } = new();

    public bool Exists(string name) => disk.Exists(name);

    public IReadOnlyList<DiskEntry> List(string folder) => disk.List(folder);

    public byte[]? Read(string name, int maximum) => disk.Read(name, maximum);

    public void Write(string name, ReadOnlySpan<byte> content, Flush flush) => disk.Write(name, content, flush);

    public void Delete(string name) => disk.Delete(name);

    public bool TryRename(string name, string to) => disk.TryRename(name, to);

    public DiskDraft Create(string folder, long size)
    {
        if (size >= held)
            Released.Wait();
        return disk.Create(folder, size);
    }

    public DiskFile? Open(string name) => disk.Open(name);

    public DiskMemory? Map(string name, long size) => disk.Map(name, size);

    public void Dispose() => Released.Dispose();
}

using System.Buffers;
using System.Runtime.CompilerServices;
using MantaLight.Storage;

namespace MantaLight.Simulation;

/// <summary>
/// A node's disk, which outlives its processes. A killed process leaves what it had written; a loss of power loses or
/// spoils what was not flushed.
/// </summary>
internal sealed class SimulatedDisk(World world, Draw draw)
{
    /// <summary>How long a flush that nobody waits for takes.</summary>
    private static readonly TimeSpan FlushTakes = TimeSpan.FromMilliseconds(200);

    private readonly SortedDictionary<string, Entry> files = new(StringComparer.Ordinal);

    public bool IsFull { get; set; }

    private TimeSpan Now => world.Now;

    public IEnumerable<string> Names => files.Keys;

    public int Files => files.Count;

    public long Bytes => files.Values.Sum(f => (long)f.Content.Length);

    /// <summary>The disk as a process has it.</summary>
    public Mounted Mount(SimulatedProcess process) => new(this, process);

    /// <summary>What was not flushed is lost, torn, or there by luck.</summary>
    public void LosePower()
    {
        world.Tally.Add(Tally.PowerLost);
        foreach (var (name, file) in files.Where(f => !IsFlushed(f.Value)).ToArray())
        {
            switch (draw.Below(3))
            {
                case 0:
                    files.Remove(name);
                    break;
                case 1:
                    files[name] = file with { Content = file.Content[..draw.Below(file.Content.Length + 1)] };
                    break;
            }
        }
    }

    /// <summary>Another disk takes its place.</summary>
    public void Clear() => files.Clear();

    /// <summary>The files that were corrupted, ever.</summary>
    public HashSet<string> Spoiled { get; } = new(StringComparer.Ordinal);

    /// <summary>Whether a file is there whole.</summary>
    public bool HasIntact(string name, string sha256) =>
        files.TryGetValue(name, out var file) && Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(file.Content)) == sha256;

    /// <summary>What a file holds behind its own hash; null where it is not there whole.</summary>
    public byte[]? ReadSealed(string name) => files.TryGetValue(name, out var file) && file.Content.Length > 65
        && Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(file.Content.AsSpan(65))) == System.Text.Encoding.ASCII.GetString(file.Content, 0, 64)
        ? file.Content[65..] : null;

    /// <summary>Turns a bit of some file.</summary>
    public void Corrupt()
    {
        if (files.Count > 0)
            Corrupt(files.ElementAt(draw.Below(files.Count)).Key);
    }

    /// <summary>Turns a bit of a file.</summary>
    public void Corrupt(string name)
    {
        var file = files[name];
        if (file.Content.Length == 0)
            return;
        var spoiled = file.Content.ToArray();
        spoiled[draw.Below(spoiled.Length)] ^= (byte)(1 << draw.Below(8));
        files[name] = file with { Content = spoiled };
        Spoiled.Add(name);
        world.Trace.Add("corrupt", name);
        world.Tally.Add(Tally.Spoiled);
    }

    private bool IsFlushed(Entry file) => file.Flush == Flush.First || (file.Flush == Flush.Behind && world.Now - file.Written >= FlushTakes);

    private sealed record Entry(byte[] Content, DateTimeOffset Modified, TimeSpan Written, Flush Flush);

    /// <summary>The disk in the hands of one process.</summary>
    /// <remarks>Nothing of it is inlined: what it throws is reported with its frames, which must not depend on how far the compiler has come.</remarks>
    internal sealed class Mounted(SimulatedDisk disk, SimulatedProcess process) : IDisk
    {
        /// <summary>Kills the process within that many writes; negative for never.</summary>
        public int KilledAfterWrites { get; set; } = -1;

        /// <summary>Whether what is deleted stays.</summary>
        public bool NeverDeletes { get; set; }

        public bool Exists(string name)
        {
            process.CheckAlive();
            return disk.files.ContainsKey(name);
        }

        public IReadOnlyList<DiskEntry> List(string folder)
        {
            process.CheckAlive();
            var prefix = folder + "/";
            return [.. disk.files.Where(f => f.Key.StartsWith(prefix, StringComparison.Ordinal)).Select(f => new DiskEntry(f.Key, f.Value.Modified))];
        }

        public byte[]? Read(string name, int maximum) => Find(name) is { } file && file.Content.Length <= maximum ? file.Content.ToArray() : null;

        [MethodImpl(MethodImplOptions.NoInlining)]
        public void Write(string name, ReadOnlySpan<byte> content, Flush flush)
        {
            using var draft = Create("", content.Length);
            draft.Write(0, content);
            draft.Keep(name, flush);
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        public void Delete(string name)
        {
            process.CheckAlive();
            if (!NeverDeletes)
                disk.files.Remove(name);
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        public bool TryRename(string name, string to)
        {
            process.CheckAlive();
            if (!disk.files.Remove(name, out var file))
                return false;
            disk.files[to] = file;
            return true;
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        public DiskDraft Create(string folder, long size)
        {
            CheckWrite();
            return new Draft(this, (int)size);
        }

        public DiskFile? Open(string name) => Find(name) is { } file ? new Reader(file.Content) : null;

        public DiskMemory? Map(string name, long size) => Find(name) is not { } file ? null
            : file.Content.Length == size ? new Memory(file.Content)
            : throw new MalformedDataException($"The file {name} has {file.Content.Length} bytes where {size} are expected.");

        private Entry? Find(string name)
        {
            process.CheckAlive();
            return disk.files.GetValueOrDefault(name);
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        private void CheckWrite()
        {
            process.CheckAlive();
            if (KilledAfterWrites >= 0 && KilledAfterWrites-- == 0)
            {
                process.World.Tally.Add(Tally.KilledAtWrite);
                process.Kill();
                process.CheckAlive();
            }
            if (!disk.IsFull)
                return;
            process.World.Tally.Add(Tally.DiskFull);
            throw new IOException("No space left on device (simulated)");
        }

        private sealed class Draft(Mounted mounted, int size) : DiskDraft
        {
            private byte[] content = new byte[size];

            public override long Length => content.Length;

            [MethodImpl(MethodImplOptions.NoInlining)]
            public override void Write(long offset, ReadOnlySpan<byte> bytes)
            {
                mounted.CheckWrite();
                if (offset + bytes.Length > content.Length)
                    Array.Resize(ref content, (int)offset + bytes.Length);
                bytes.CopyTo(content.AsSpan((int)offset));
            }

            public override int Read(long offset, Span<byte> bytes) => Copy(content, offset, bytes);

            [MethodImpl(MethodImplOptions.NoInlining)]
            public override void Keep(string name, Flush flush)
            {
                mounted.CheckWrite();
                mounted.Put(name, content, flush);
            }

            public override void Dispose()
            {
            }
        }

        private void Put(string name, byte[] content, Flush flush) => disk.files[name] = new Entry(content, process.Clock.GetUtcNow(), disk.Now, flush);

        private static int Copy(byte[] content, long offset, Span<byte> bytes)
        {
            var count = (int)Math.Clamp(content.Length - offset, 0, bytes.Length);
            content.AsSpan((int)Math.Min(offset, content.Length), count).CopyTo(bytes);
            return count;
        }

        private sealed class Reader(byte[] content) : DiskFile
        {
            public override long Length => content.Length;

            public override int Read(long offset, Span<byte> bytes) => Copy(content, offset, bytes);

            public override void Dispose()
            {
            }
        }

        private sealed class Memory(byte[] content) : DiskMemory
        {
            public override ReadOnlySequence<byte> Content { get; } = new(content);

            public override void Dispose()
            {
            }
        }
    }
}

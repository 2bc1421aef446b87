using System.Globalization;
using System.Runtime.InteropServices;

namespace MantaLight.Simulation;

/// <summary>
/// What happened: always as a hash, by which two runs of a seed are compared; as text only where that was asked for,
/// and then only the last of it.
/// </summary>
internal sealed class Trace(World world, bool writes)
{
    private const int MaximumLines = 20_000;

    private readonly Queue<string> lines = new();
    private ulong hash = 14695981039346656037UL;

    public bool Writes => writes;

    public string Hash => hash.ToString("x16", CultureInfo.InvariantCulture);

    public IReadOnlyCollection<string> Lines => lines;

    public void Add(string kind, string subject, string detail = "", ReadOnlySpan<byte> payload = default)
    {
        Mix((ulong)world.Now.Ticks);
        Mix(MemoryMarshal.AsBytes(kind.AsSpan()));
        Mix(MemoryMarshal.AsBytes(subject.AsSpan()));
        Mix(MemoryMarshal.AsBytes(detail.AsSpan()));
        Mix(payload);
        if (writes)
            Write(kind, $"{subject} {detail}{(payload.IsEmpty ? "" : $" {payload.Length} B")}");
    }

    /// <summary>A line that is not part of the hash, such as a log record.</summary>
    public void Write(string kind, string text)
    {
        if (!writes)
            return;
        if (lines.Count == MaximumLines)
            lines.Dequeue();
        lines.Enqueue(string.Create(CultureInfo.InvariantCulture, $"{world.Now.TotalSeconds,9:0.000} {kind,-10} {text}"));
    }

    private void Mix(ReadOnlySpan<byte> bytes)
    {
        var words = MemoryMarshal.Cast<byte, ulong>(bytes);
        foreach (var word in words)
            Mix(word);
        ulong rest = 0;
        foreach (var b in bytes[(words.Length * sizeof(ulong))..])
            rest = (rest << 8) | b;
        Mix(rest ^ ((ulong)bytes.Length << 56));
    }

    private void Mix(ulong word)
    {
        hash = (hash ^ word) * 0x9E3779B97F4A7C15UL;
        hash ^= hash >> 29;
    }
}

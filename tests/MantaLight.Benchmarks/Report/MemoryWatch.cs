using System.Globalization;

namespace MantaLight.Benchmarks.Report;

/// <summary>The most memory that a process had at once, in bytes.</summary>
/// <param name="All">With the pages of files that it has mapped, which the system takes back when it needs them.</param>
/// <param name="Anonymous">Its own.</param>
internal readonly record struct Peak(long All, long Anonymous);

/// <summary>Watches the memory of some processes and of their children, each under its node's id where it has one.</summary>
internal sealed class MemoryWatch : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(20);

    private readonly Lock gate = new();
    private readonly Dictionary<int, string> names;
    private readonly Dictionary<int, Peak> peaks = [];
    private readonly ManualResetEventSlim stop = new();
    private readonly Thread watching;

    /// <summary>Begins.</summary>
    /// <param name="processes">Which, and what they are called.</param>
    public MemoryWatch(params IEnumerable<(int Id, string Name)> processes)
    {
        names = processes.ToDictionary(p => p.Id, p => p.Name);
        watching = new Thread(Watch) { IsBackground = true, Name = "memory watch" };
        watching.Start();
    }

    /// <summary>Ends, and tells the peaks by name.</summary>
    public IReadOnlyDictionary<string, Peak> End()
    {
        Dispose();
        return Take();
    }

    /// <summary>Tells the peaks by name since it began or was last asked; that of all memory is since its process began.</summary>
    public IReadOnlyDictionary<string, Peak> Take()
    {
        lock (gate)
        {
            var taken = peaks.GroupBy(p => names[p.Key]).ToDictionary(g => g.Key, g => g.Select(p => p.Value).MaxBy(p => p.All), StringComparer.Ordinal);
            peaks.Clear();
            return taken;
        }
    }

    public void Dispose()
    {
        stop.Set();
        watching.Join();
    }

    private void Watch()
    {
        do
        {
            lock (gate)
                Look();
        }
        while (!stop.Wait(Interval));
    }

    private void Look()
    {
        foreach (var id in names.Keys.ToArray())
        {
            foreach (var child in ChildrenOf(id))
            {
                // One that has just been forked does not say yet what it is.
                if (NodeOf(child) is { } node)
                    names.TryAdd(child, node);
            }
            var (all, anonymous) = (WholeProcess.Status(id, "VmHWM"), WholeProcess.Status(id, "RssAnon"));
            var before = peaks.GetValueOrDefault(id);
            peaks[id] = new Peak(Math.Max(before.All, all), Math.Max(before.Anonymous, anonymous));
        }
    }

    /// <summary>Those that any of its threads has started.</summary>
    private static IEnumerable<int> ChildrenOf(int process) => Threads(process)
        .SelectMany(thread => Read(Path.Combine(thread, "children")).Split(' ', StringSplitOptions.RemoveEmptyEntries))
        .Select(id => int.Parse(id, CultureInfo.InvariantCulture));

    private static string[] Threads(int process)
    {
        try
        {
            return Directory.GetDirectories($"/proc/{process}/task");
        }
        catch (IOException)
        {
            return [];
        }
    }

    private static string? NodeOf(int process) =>
        Read($"/proc/{process}/cmdline").Split('\0') is [_, _, "node", "--id", var id, ..] ? id : null;

    private static string Read(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (IOException)
        {
            // It has ended.
            return "";
        }
    }
}

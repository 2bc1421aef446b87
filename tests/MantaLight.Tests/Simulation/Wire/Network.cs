namespace MantaLight.Simulation;

/// <summary>What the network does to one process: nothing, slow it down, or let nothing through in either direction.</summary>
internal sealed class Network
{
    private readonly List<Link> links = [];

    public Network(SimulatedProcess process)
    {
        Process = process;
        process.Changed += Update;
    }

    public SimulatedProcess Process { get; }

    /// <summary>The part of the broker's greatest latency that messages to and from here take at most.</summary>
    public double Distance { get; init; } = 1;

    /// <summary>Whether it talks to another broker of the cluster than most: what it says comes around later.</summary>
    public bool IsFar { get; init; }

    /// <summary>Whether nothing passes.</summary>
    public bool IsCut { get; private set; }

    public bool IsSlow { get; set; }

    /// <summary>Whether the broker learns of a kill only by the silence after it.</summary>
    public bool DiesInSilence { get; set; }

    /// <summary>Whether the broker hears nothing from it.</summary>
    public bool IsSilent => IsCut || IsDeaf;

    /// <summary>Whether it takes nothing.</summary>
    public bool IsDeaf => IsCut || Process.IsPaused || !Process.IsAlive;

    /// <summary>Kills the process after that many publishes; negative for never.</summary>
    public int KilledAfterPublishes { get; set; } = -1;

    /// <summary>Called once, when it has a commit on its way.</summary>
    public Action? Commits { get; set; }

    public void Add(Link link) => links.Add(link);

    public void Remove(Link link) => links.Remove(link);

    public void Cut(bool value)
    {
        if (IsCut == value)
            return;
        IsCut = value;
        Process.World.Trace.Add(value ? "cut" : "heal", Process.Name);
        Update();
    }

    private void Update()
    {
        foreach (var link in links.ToArray())
        {
            if (!Process.IsAlive && !DiesInSilence && !IsCut)
                link.Break();
            else
                link.NetworkChanged();
        }
    }
}

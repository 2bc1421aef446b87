using MantaLight.Cli.Chaos.Proxy;
using MantaLight.Cli.Running;

namespace MantaLight.Cli.Chaos.Processes;

/// <summary>A participant whose process can be killed, frozen and started again with what it has on its disk.</summary>
internal sealed class ChaosNode(RunNode node, string module, string cluster, ProxyDoor door, SmallDisks? disks, string? holdFile, TimeProvider time) : IAsyncDisposable
{
    private NodeProcess? process;

    /// <summary>The node's id.</summary>
    public string Id => node.Id;

    /// <summary>Its way to the broker.</summary>
    public ProxyDoor Door => door;

    /// <summary>Where it keeps what it must not forget.</summary>
    public string StateFolder => node.StateFolder;

    /// <summary>When its present process was started.</summary>
    public DateTimeOffset Started { get; private set; }

    /// <summary>Starts its process; that it is online is told by the wire.</summary>
    public void Start()
    {
        Started = time.GetUtcNow();
        process = NodeProcess.Start(node, module, door.Uri, cluster, disks?.Launcher, holdFile is null ? [] : ["--hold-file", holdFile]);
    }

    /// <summary>Ends its process as a crash would.</summary>
    public async Task KillAsync()
    {
        if (process is null)
            return;
        await process.KillAsync();
        await process.DisposeAsync();
        process = null;
    }

    /// <summary>Freezes it where it stands.</summary>
    public void Pause() => Signals.Pause(process!.ProcessId);

    /// <summary>Whether it is frozen.</summary>
    public bool IsPaused => process is { } frozen && Signals.IsPaused(frozen.ProcessId);

    /// <summary>Lets it go on.</summary>
    public void Resume() => Signals.Resume(process!.ProcessId);

    /// <summary>What its process wrote last.</summary>
    public string LastWords() => process?.LastWords() ?? "";

    public async ValueTask DisposeAsync() => await KillAsync();
}

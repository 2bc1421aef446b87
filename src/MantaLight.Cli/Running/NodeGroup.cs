using MantaLight.Cli.Swarms;

namespace MantaLight.Cli.Running;

/// <summary>The nodes of a run: in this process or in processes of their own.</summary>
internal abstract class NodeGroup : IAsyncDisposable
{
    private Action<string, bool> ended = (_, _) => { };

    /// <summary>Starts all of them and waits until they are online.</summary>
    /// <exception cref="MantaLightException">One of them cannot start.</exception>
    public abstract Task StartAsync(SwarmClient client, CancellationToken cancellationToken);

    /// <summary>Has an action called when a node ends by itself: what happened, and whether it was the last one.</summary>
    public void WhenOneEnds(Action<string, bool> action) => ended = action;

    /// <summary>Stops all of them, each with a goodbye.</summary>
    public abstract ValueTask DisposeAsync();

    /// <summary>Tells that a node has ended by itself.</summary>
    protected void TellEnd(string what, bool last) => ended(what, last);
}

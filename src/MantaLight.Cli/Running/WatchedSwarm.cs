using MantaLight.Cli.Swarms;
using MantaLight.Cli.Watching;
using MantaLight.Protocol;
using MantaLight.Virtual;

namespace MantaLight.Cli.Running;

/// <summary>A virtual swarm that runs while it is watched.</summary>
internal static class WatchedSwarm
{
    /// <summary>Runs to the end, and shows all of it.</summary>
    /// <param name="swarm">The swarm.</param>
    /// <param name="client">The watcher's connection, which is closed.</param>
    /// <param name="watcher">The watch.</param>
    /// <param name="screen">Where it is shown.</param>
    /// <param name="ran">Told how long the swarm has run, also where it was stopped.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Stops both.</param>
    /// <returns>The last state.</returns>
    public static async Task<SwarmState> RunAsync(
        VirtualSwarm swarm, SwarmClient client, SwarmWatcher watcher, IRunScreen screen, Action<TimeSpan> ran, TimeProvider time, CancellationToken cancellationToken)
    {
        var began = time.GetTimestamp();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var over = new CancellationTokenSource();
        var running = swarm.RunAsync(stop.Token);
        Task watching = watcher.WatchAsync(screen, over.Token);
        await Task.WhenAny(running, watching);
        // Nobody would see how it goes on.
        if (watching.IsFaulted)
            await stop.CancelAsync();
        await ((Task)running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        ran(time.GetElapsedTime(began));
        await over.CancelAsync();
        await watching.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (watching.IsFaulted)
            await watching;
        // A connection that is closed has handed over all that came; it may be the last round, or what became of its checkpoint.
        await client.DisposeAsync();
        watcher.Show(screen);
        return await running;
    }
}

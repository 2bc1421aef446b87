using System.Globalization;
using MantaLight.Checkpoints;
using MantaLight.Cli.Swarms;
using MantaLight.Cli.Watching;

namespace MantaLight.Cli.Checkpoints;

/// <summary>Keeps checkpoints while a swarm is watched, tells of each, and sums up when the watch is over.</summary>
internal sealed class CheckpointWatch : IAsyncDisposable
{
    private readonly Lock gate = new();
    private readonly CheckpointOptions options;
    private readonly SwarmWatcher watcher;
    private readonly CliConsole console;
    private readonly List<CheckpointNews> failed = [];
    private CheckpointKeeper? keeper;
    private CheckpointNews? last;
    private int written;

    private CheckpointWatch(CheckpointOptions options, SwarmWatcher watcher, CliConsole console) =>
        (this.options, this.watcher, this.console) = (options, watcher, console);

    /// <summary>Begins; null where no checkpoints are asked for.</summary>
    public static async Task<CheckpointWatch?> StartAsync(
        CheckpointOptions? options, SwarmClient client, SwarmWatcher watcher, string swarm, CliConsole console, CancellationToken cancellationToken)
    {
        if (options is null)
            return null;
        var watch = new CheckpointWatch(options, watcher, console);
        watch.keeper = await client.KeepCheckpointsAsync(swarm, options, watch.Tell, cancellationToken);
        return watch;
    }

    public async ValueTask DisposeAsync()
    {
        // The last one may still be under way.
        await keeper!.DisposeAsync();
        lock (gate)
        {
            var latest = last is null ? "" : $", the last one {Path.GetFileName(last.Path)}";
            console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Checkpoints: {written} written to {options.Folder}{latest}"));
            foreach (var news in failed)
                console.WriteError(Text(news));
        }
    }

    private void Tell(CheckpointNews news)
    {
        lock (gate)
        {
            if (news.Path is { } path)
            {
                (last, written) = (news, written + 1);
                watcher.Note(new Happening.CheckpointWritten(news.Round, path));
                return;
            }
            failed.Add(news);
            watcher.Note(new Happening.Trouble(Text(news)));
        }
    }

    private static string Text(CheckpointNews news) =>
        string.Create(CultureInfo.InvariantCulture, $"There is no checkpoint of round {news.Round}: {Texts.Line(news.Problem!)}");
}
